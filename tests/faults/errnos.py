"""System calls on files and the errors that each of them can give: the ERRORS lists of its man page, and errno(3).

EFAULT and EBADF are left out: they are a program's own mistakes. ESTALE (NFS, open(2)) and EIO can come of any call that leads
to a file system, from a name or a descriptor. Numbers: x86-64.
"""

from __future__ import annotations

import errno

_ANY = "EIO ESTALE"
_PATH = f"EACCES ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR {_ANY}"
_ENTRY = f"{_PATH} EBUSY EDQUOT EINVAL ENOSPC EPERM EROFS"
_ROOM = f"EDQUOT EFBIG EINTR ENOSPC EPERM {_ANY}"
_ATTRIBUTE = f"ENOTSUP EPERM EACCES ENOENT {_ANY}"

# name: (number, errors)
_CALLS = {
    "read": (0, f"EAGAIN EINTR EINVAL EISDIR {_ANY}"),
    "close": (3, "EINTR EIO ENOSPC EDQUOT"),
    "stat": (4, f"{_PATH} EOVERFLOW"),
    "fstat": (5, f"ENOMEM EOVERFLOW {_ANY}"),
    "lstat": (6, f"{_PATH} EOVERFLOW"),
    "lseek": (8, "EINVAL ENXIO EOVERFLOW ESPIPE"),
    "mmap": (9, ""),
    "pread64": (17, f"EAGAIN EINTR EINVAL EISDIR ENXIO EOVERFLOW ESPIPE {_ANY}"),
    "write": (1, f"EINVAL {_ROOM}"),
    "pwrite64": (18, f"EINVAL ENXIO EOVERFLOW ESPIPE {_ROOM}"),
    "access": (21, f"{_PATH} EINVAL EROFS ETXTBSY EPERM"),
    "dup": (32, "EMFILE ENOMEM EINTR EBUSY"),
    "fcntl": (72, "EACCES EAGAIN EBUSY EINTR EINVAL EMFILE ENOLCK EPERM"),
    "flock": (73, f"EINTR EINVAL ENOLCK EAGAIN {_ANY}"),
    "fsync": (74, f"EINTR ENOSPC EROFS EINVAL EDQUOT {_ANY}"),
    "fdatasync": (75, f"EINTR ENOSPC EROFS EINVAL EDQUOT {_ANY}"),
    "ftruncate": (77, f"EINVAL ETXTBSY EROFS {_ROOM}"),
    "getcwd": (79, "EACCES EINVAL ENAMETOOLONG ENOENT ENOMEM ERANGE"),
    "rename": (82, f"{_ENTRY} EEXIST EISDIR EMLINK ENOTEMPTY EXDEV"),
    "mkdir": (83, f"{_ENTRY} EEXIST EMLINK"),
    "rmdir": (84, f"{_ENTRY} EEXIST ENOTEMPTY"),
    "link": (86, f"{_ENTRY} EEXIST EMLINK EXDEV EOPNOTSUPP"),
    "unlink": (87, f"{_ENTRY} EISDIR"),
    "readlink": (89, f"{_PATH} EINVAL"),
    "chmod": (90, f"{_PATH} EPERM EROFS"),
    "fchmod": (91, f"EPERM EROFS ENOMEM EINVAL {_ANY}"),
    "fchown": (93, f"EPERM EROFS ENOMEM EINVAL EDQUOT {_ANY}"),
    "setxattr": (188, f"EDQUOT EEXIST ENODATA ENOSPC ERANGE EROFS {_ATTRIBUTE}"),
    "fsetxattr": (190, f"EDQUOT EEXIST ENODATA ENOSPC ERANGE EROFS EINVAL {_ATTRIBUTE}"),
    "getxattr": (191, f"E2BIG ENODATA ERANGE {_ATTRIBUTE}"),
    "fgetxattr": (193, f"E2BIG ENODATA ERANGE {_ATTRIBUTE}"),
    "listxattr": (194, f"E2BIG ERANGE {_ATTRIBUTE}"),
    "flistxattr": (196, f"E2BIG ERANGE {_ATTRIBUTE}"),
    "removexattr": (197, f"ENODATA ERANGE {_ATTRIBUTE}"),
    "fremovexattr": (199, f"ENODATA ERANGE {_ATTRIBUTE}"),
    "getdents64": (217, f"EINVAL ENOENT ENOTDIR {_ANY}"),
    "fstatfs": (138, f"EINTR ENOMEM ENOSYS EOVERFLOW {_ANY}"),
    "openat": (
        257,
        f"{_ENTRY} EAGAIN EEXIST EFBIG EINTR EISDIR EMFILE ENFILE ENODEV ENXIO EOPNOTSUPP EOVERFLOW ETXTBSY",
    ),
    "mkdirat": (258, f"{_ENTRY} EEXIST EMLINK"),
    "fchownat": (260, f"{_PATH} EPERM EROFS EINVAL EDQUOT"),
    "newfstatat": (262, f"{_PATH} EINVAL EOVERFLOW"),
    "unlinkat": (263, f"{_ENTRY} EISDIR ENOTEMPTY"),
    "renameat": (264, f"{_ENTRY} EEXIST EISDIR EMLINK ENOTEMPTY EXDEV"),
    "linkat": (265, f"{_ENTRY} EEXIST EMLINK EXDEV EOPNOTSUPP"),
    "readlinkat": (267, f"{_PATH} EINVAL"),
    "fchmodat": (268, f"{_PATH} EPERM EROFS EINVAL ENOTSUP"),
    "faccessat": (269, f"{_PATH} EINVAL EROFS ETXTBSY EPERM"),
    "utimensat": (280, f"{_PATH} EINVAL EPERM EROFS"),
    "fallocate": (285, f"EINVAL ENODEV ENOSYS EOPNOTSUPP ESPIPE ETXTBSY {_ROOM}"),
    "renameat2": (316, f"{_ENTRY} EEXIST EISDIR EMLINK ENOTEMPTY EXDEV"),
    "copy_file_range": (326, f"EINVAL EISDIR ENOMEM ENOSYS EOPNOTSUPP EOVERFLOW ETXTBSY EXDEV {_ROOM}"),
    "statx": (332, f"{_PATH} EINVAL"),
    "openat2": (
        437,
        f"{_ENTRY} E2BIG EAGAIN EEXIST EFBIG EINTR EISDIR EMFILE ENFILE ENODEV ENXIO EOPNOTSUPP EOVERFLOW ETXTBSY EXDEV",
    ),
    "faccessat2": (439, f"{_PATH} EINVAL EROFS ETXTBSY EPERM"),
    "fchmodat2": (452, f"{_PATH} EPERM EROFS EINVAL ENOTSUP"),
}

NAMES = {number: name for name, (number, _) in _CALLS.items()}
ERRORS = {name: sorted({getattr(errno, word) for word in words.split()}) for name, (_, words) in _CALLS.items()}
