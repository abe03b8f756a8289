"""Puts a process where it can reach nothing: namespaces, a bare root folder, limits, no privileges.

    child = kernel.clone_into_new_namespaces()
    if child: map_users(child)              # in the parent, before the child goes on
    else:     enter(root); renounce(...)    # in the child

The child sees Python's standard library and the machine's shared libraries, read-only, and an empty
scratch folder in memory. It sees no other file, no other process and no network device. It
has no privilege to gain by any program, and is limited in what it may use.
"""

import os
import resource
import sys

from . import kernel

NOBODY = 65534
SCRATCH, OLD = "/tmp", "/old"
SCRATCH_FILES = 1024
HOST_NAME = b"sandbox"


def map_users(child: int) -> None:
    """Says who the users of the child's namespace are. Else they are nobody.

    Root maps itself, which prepares the mounts, and the user that the candidate then becomes;
    anyone else may map only themselves.
    """
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        _write(f"/proc/{child}/setgroups", "deny")
        _write(f"/proc/{child}/uid_map", f"{user} {user} 1")
        _write(f"/proc/{child}/gid_map", f"{group} {group} 1")
    else:
        for kind in ("gid_map", "uid_map"):
            _write(f"/proc/{child}/{kind}", f"0 0 1\n{NOBODY} {NOBODY} 1")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def enter(hidden: list[str], scratch_bytes: int) -> None:
    """Changes into a root folder with libraries and scratch space alone. Raises OSError.

    `hidden` are folders that may lie within those of the libraries: there they are covered by empty
    ones. So are all folders of installed packages, which may contain the tests.
    """
    base = sys.base_prefix  # mounted over for a moment: any folder that is sure to exist would do
    os.umask(0o022)  # whatever the host's is: the candidate, another user, has to read all this
    kernel.call("mount", b"none", b"/", None, kernel.REC | kernel.PRIVATE, None)
    _tmpfs(base, "mode=755,size=1m", kernel.NODEV)
    os.chdir(base)
    os.mkdir("old")
    kernel.call("pivot_root", b".", b"old")
    os.chdir("/")
    os.mkdir(SCRATCH)  # first: Python itself may be installed within it
    # Files and attributes take memory that `size` does not count.
    scratch = f"mode=777,size={scratch_bytes},nr_inodes={SCRATCH_FILES}"
    _tmpfs(SCRATCH, scratch, kernel.NODEV | kernel.NOEXEC)
    shown = [path for path in _libraries() if _show(path)]
    library = os.path.dirname(os.__file__)
    hidden = [path for path in hidden if not _within(path, library) and not _within(library, path)]
    for path in (*hidden, *_package_folders([os.path.dirname(library), *shown])):
        if os.path.isdir(path) and any(_within(path, folder) for folder in shown):
            _tmpfs(path, "mode=555,size=4k", kernel.NODEV | kernel.READ_ONLY)
    os.mkdir("/dev")
    for device in ("/dev/null", "/dev/urandom"):
        _bind(device, lambda path: os.close(os.open(path, os.O_CREAT)))
        kernel.read_only(device, recursive=False)  # the file on the host, not what it is for
    kernel.call("umount2", OLD.encode(), kernel.DETACH)
    os.rmdir(OLD)
    kernel.call("sethostname", HOST_NAME, len(HOST_NAME))
    kernel.read_only("/", recursive=False)
    os.chdir(SCRATCH)


def _libraries() -> list[str]:
    """Where the standard library, and the shared libraries it loads, may be. No folder twice."""
    found = ["/lib64", "/usr/lib64", "/nix/store", "/usr/share/zoneinfo"]
    for folder in ("/lib", "/usr/lib", f"{sys.base_prefix}/lib", f"{sys.base_prefix}/lib64"):
        of_machine = f"{folder}/{os.uname().machine}-linux-gnu"  # Debian's; the rest is not needed
        found.append(of_machine if os.path.isdir(OLD + of_machine) else folder)
    found.append(os.path.dirname(os.__file__))
    return [
        path
        for place, path in enumerate(found)
        if not any(_within(path, other) for other in found[:place])
    ]


def _show(path: str) -> bool:
    """Shows a folder of the old root, read-only, at its place; a link as a link."""
    for part in ("/" + path.split("/")[1], path):
        if os.path.islink(OLD + part):
            if not os.path.lexists(part):
                os.makedirs(os.path.dirname(part), exist_ok=True)
                os.symlink(os.readlink(OLD + part), part)
            return False
    if not os.path.isdir(OLD + path):
        return False
    _bind(path, os.makedirs)
    kernel.read_only(path, recursive=True)
    return True


def _tmpfs(path: str, options: str, flags: int) -> None:
    target = os.fsencode(path)
    kernel.call("mount", b"tmpfs", target, b"tmpfs", flags | kernel.NOSUID, os.fsencode(options))


def _bind(path: str, make) -> None:
    """Shows what the old root has at `path` at the same place of the new one."""
    make(path)
    source = os.fsencode(OLD + path)
    kernel.call("mount", source, os.fsencode(path), None, kernel.BIND | kernel.REC, None)


def _within(path: str, folder: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def _package_folders(libraries: list[str]) -> list[str]:
    """site-packages and dist-packages of every Python in these folders."""
    return [
        f"{library}/{python}/{packages}"
        for library in libraries
        for python in os.listdir(library)
        if python.startswith("python")
        for packages in ("site-packages", "dist-packages")
    ]


def limit(limits: dict[str, int], *, isolated: bool) -> None:
    """Sets the limits that the kernel keeps; they can only be lowered from here."""
    kinds = {
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if isolated:  # elsewhere it would count all processes of the user
        kinds[resource.RLIMIT_NPROC] = limits["threads"]
    for kind, most in kinds.items():
        at_most(kind, most)


def at_most(kind: int, most: int) -> None:
    """Lowers one limit of this process, and of those that it starts."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def renounce(*, isolated: bool) -> None:
    """Gives up being root of the namespace, all capabilities, and ever gaining a privilege."""
    if isolated:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        kernel.drop_capabilities()
    kernel.call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
