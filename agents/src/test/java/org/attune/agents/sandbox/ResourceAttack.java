package org.attune.agents.sandbox;

import java.util.List;
import java.util.stream.Stream;

/// A Python program that takes more of something than is allowed. It writes ESCAPED where it got
/// that. Limits: 128 MiB, 8 processes, 8 MiB of files.
record ResourceAttack(String name, Guarantee against, String code) {
    /// What must be held by the kernel before this is tried, since others live here too.
    static final String DOUBLING = "processes that double";

    private static final String FILL =
            """
            import os, sys
            MIB, taken = bytes(1 << 20), 0
            def end():
              print(taken); print('ESCAPED' if taken > 9 << 20 else 'held'); sys.stdout.flush(); os._exit(0)
            """;

    static List<ResourceAttack> all() {
        return Stream.of(onMemory(), onProcesses(), ofDeleted(), onDisk())
                .flatMap(List::stream)
                .toList();
    }

    private static ResourceAttack memory(String name, String code) {
        return new ResourceAttack(name, Guarantee.MEMORY, code);
    }

    private static ResourceAttack processes(String name, String code) {
        return new ResourceAttack(name, Guarantee.PROCESSES, code);
    }

    /// @param code that takes in a loop, until an error
    private static ResourceAttack disk(String name, String code) {
        return new ResourceAttack(
                name,
                Guarantee.DISK,
                FILL + "try:\n" + code.indent(2) + "except OSError: end()\nend()");
    }

    private static List<ResourceAttack> onMemory() {
        String many =
                """
                import os, time, ctypes
                %s
                for i in range(6):
                  if os.fork() == 0:
                    x = bytearray(90 << 20); time.sleep(20); print('ESCAPED'); os._exit(0)
                os.wait()
                """;
        return List.of(
                memory("memory", "x = bytearray(1 << 30); print('ESCAPED')"),
                memory("a shared map", "import mmap; mmap.mmap(-1, 1 << 30); print('ESCAPED')"),
                memory(
                        "a private map",
                        "import mmap; mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE); print('ESCAPED')"),
                memory(
                        "many small pieces",
                        "x = []\nwhile len(x) < 400000: x.append(bytes(2048))\nprint('ESCAPED')"),
                memory(
                        "deep calls",
                        """
                        import sys, threading
                        sys.setrecursionlimit(10**9)
                        threading.stack_size(1 << 30)
                        threading.Thread(target=lambda: print('ESCAPED')).start()\
                        """),
                processes("memory of many", many.formatted("")),
                processes(
                        "memory of many whose name is no text",
                        many.formatted(
                                "ctypes.CDLL(None).prctl(15, b'\\xff\\xfe) \\xf0 (', 0, 0, 0)")),
                processes(
                        "memory of many in other sessions",
                        many.replace("x = bytearray", "os.setsid(); x = bytearray").formatted("")),
                processes(
                        "memory of orphans",
                        """
                        import os, time
                        for i in range(6):
                          if os.fork() == 0:
                            if os.fork() == 0:
                              x = bytearray(90 << 20); time.sleep(20); print('ESCAPED'); os._exit(0)
                            os._exit(0)
                          os.wait()
                        time.sleep(20)
                        """),
                processes(
                        "shared memory of many",
                        """
                        import os, time, mmap
                        for i in range(6):
                          if os.fork() == 0:
                            m = mmap.mmap(-1, 90 << 20)
                            for at in range(0, len(m), 4096): m[at] = 1
                            time.sleep(20); print('ESCAPED'); os._exit(0)
                        os.wait()
                        """));
    }

    private static List<ResourceAttack> onProcesses() {
        String sleepers =
                """
                import os, time, ctypes
                %s
                for i in range(200):
                  if os.fork() == 0: %s time.sleep(30); os._exit(0)
                time.sleep(4); print('ESCAPED')
                """;
        return List.of(
                processes("many processes", sleepers.formatted("", "")),
                processes("many sessions", sleepers.formatted("", "os.setsid();")),
                processes("many groups", sleepers.formatted("", "os.setpgid(0, 0);")),
                processes(
                        "many whose name is no text",
                        sleepers.formatted(
                                "ctypes.CDLL(None).prctl(15, b') \\xff (', 0, 0, 0)", "")),
                processes(
                        "many orphans",
                        sleepers.formatted("", "\n    if os.fork(): os._exit(0)\n   ")
                                .replace("range(200)", "range(100)")),
                processes(
                        DOUBLING,
                        "import os, time\nend = time.time() + 2\nwhile time.time() < end:\n  try:"
                                + " os.fork()\n  except OSError: pass"),
                processes(
                        "threads",
                        """
                        import threading, time
                        threading.stack_size(65536)
                        for i in range(3000): threading.Thread(target=lambda: time.sleep(60), daemon=True).start()
                        print('ESCAPED')
                        """),
                processes(
                        "left behind",
                        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:"
                                + " os.close(1); os.close(2); time.sleep(600)"),
                processes(
                        "deaf",
                        """
                        import os, signal, time
                        for s in range(1, 64):
                          try: signal.signal(s, signal.SIG_IGN)
                          except (OSError, ValueError): pass
                        if os.fork() == 0: time.sleep(600)
                        os.kill(os.getpid(), signal.SIGSTOP); time.sleep(600)
                        """),
                processes(
                        "dead that nobody asks for",
                        """
                        import os, time
                        for i in range(300):
                          if os.fork() == 0:
                            if os.fork() == 0: os._exit(0)
                            os._exit(0)
                          os.wait()
                        print('held')
                        """),
                processes("endless output", "while True: print('a' * 1000)"));
    }

    private static List<ResourceAttack> ofDeleted() {
        return List.of(
                disk(
                        "files",
                        "for i in range(64):\n"
                                + "  with open(f'f{i}', 'wb', 0) as f: taken += f.write(MIB)"),
                disk(
                        "deleted files",
                        """
                        held = []
                        for i in range(64):
                          f = open(f'f{i}', 'wb', 0); held.append(f); os.unlink(f'f{i}'); taken += f.write(MIB)
                        """),
                disk(
                        "files without a name",
                        """
                        held = []
                        for i in range(64):
                          f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600); held.append(f); taken += os.write(f, MIB)
                        """),
                disk(
                        "deleted files of other processes",
                        """
                        import time
                        for i in range(32):
                          r, w = os.pipe()
                          if os.fork() == 0:
                            try:
                              f = open(f'f{i}', 'wb', 0); os.unlink(f'f{i}'); n = sum(f.write(MIB) for k in range(4)); os.write(w, b'1'); time.sleep(30)
                            finally: os._exit(0)
                          os.close(w)
                          if os.read(r, 1): taken += 4 << 20
                          else: break
                        """),
                disk(
                        "files on their way",
                        """
                        import socket
                        one, other = socket.socketpair()
                        for i in range(64):
                          f = open('f', 'wb', 0); os.unlink('f'); taken += f.write(MIB); socket.send_fds(one, [b'x'], [f.fileno()]); f.close()
                        """),
                disk(
                        "mapped files",
                        """
                        import mmap
                        held = []
                        for i in range(64):
                          f = os.open(f'f{i}', os.O_CREAT | os.O_RDWR); os.posix_fallocate(f, 0, 1 << 20); held.append(mmap.mmap(f, 1 << 20)); os.close(f); os.unlink(f'f{i}'); taken += 1 << 20
                        """));
    }

    private static List<ResourceAttack> onDisk() {
        return List.of(
                disk(
                        "deep folders",
                        """
                        for i in range(64):
                          for k in range(40): os.mkdir('d' * 200); os.chdir('d' * 200)
                          with open('f', 'wb', 0) as f: taken += f.write(MIB)
                        """),
                disk(
                        "folders without rights",
                        """
                        for i in range(64):
                          os.mkdir(f'd{i}')
                          with open(f'd{i}/f', 'wb', 0) as f: taken += f.write(MIB)
                          os.chmod(f'd{i}', 0)
                        """),
                disk(
                        "other folders",
                        """
                        for i in range(64):
                          for folder in ('/tmp', '/dev/shm', '.', '/var/tmp', '/run'):
                            try:
                              with open(f'{folder}/f{i}', 'wb', 0) as f: taken += f.write(MIB)
                            except FileNotFoundError: pass
                        """),
                disk(
                        "notes on files",
                        """
                        open('f', 'w').close()
                        for i in range(20000): os.setxattr('f', f'user.x{i}', b'x' * 4000); taken += 4000
                        """),
                disk(
                        "empty files",
                        "for i in range(100000): open(f'f{i}', 'w').close(); taken += 1024"),
                disk(
                        "long links",
                        "for i in range(100000): os.symlink('x' * 4000, f'l{i}'); taken += 4000"),
                disk(
                        "holes that are filled",
                        """
                        f = os.open('f', os.O_CREAT | os.O_RDWR)
                        os.ftruncate(f, 7 << 20)
                        for k in range(64):
                          g = os.open(f'g{k}', os.O_CREAT | os.O_RDWR); os.ftruncate(g, 7 << 20)
                          for i in range(7): taken += os.pwrite(g, MIB, i << 20)
                        """),
                disk(
                        "one large file",
                        """
                        import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                        with open('f', 'wb', 0) as f:
                          while taken < 64 << 20: taken += f.write(MIB)\
                        """));
    }

    @Override
    public String toString() {
        return name;
    }
}
