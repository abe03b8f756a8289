"""Files that are opened while code runs."""

import threading

from code_ablate.data.fingerprints.opened import files_opened


def test_files_that_are_read_count_on_every_thread(tmp_path):
    read, written = tmp_path / "read.txt", tmp_path / "written.txt"
    read.write_text("a")

    def run():
        read.read_bytes()
        written.write_text("b")
        with open("/proc/self/status", encoding="utf-8") as file:
            file.read()

    thread = threading.Thread(target=run)

    def both():
        thread.start()
        thread.join()

    assert files_opened(both) == [str(read)]
    read.read_bytes()  # nobody watches
    assert files_opened(lambda: None) == []
