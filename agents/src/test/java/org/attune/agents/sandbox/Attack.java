package org.attune.agents.sandbox;

import static org.attune.agents.sandbox.Guarantee.FILES;
import static org.attune.agents.sandbox.Guarantee.MEMORY;
import static org.attune.agents.sandbox.Guarantee.NETWORK;
import static org.attune.agents.sandbox.Guarantee.PROCESSES;

import java.util.List;
import java.util.stream.Stream;

/// A small program that tries to get out. It writes ESCAPED where it sees that it could. Stand-ins:
/// OUT a folder outside with the file `secret`, PORT of a server, VICTIM a process outside.
///
/// @param against what must hold to run it: an escape does harm
record Attack(String name, Guarantee against, Language language, String code) {
    enum Language {
        SHELL,
        PYTHON,
        JAVA
    }

    /// The name of one that the kernel has to stop.
    static final String DOUBLING = "processes that double";

    static List<Attack> all() {
        return Stream.of(onFiles(), onOthers(), onMemory(), inPython(), inJava())
                .flatMap(List::stream)
                .toList();
    }

    private static List<Attack> onFiles() {
        return List.of(
                shell("write", FILES, "echo x > OUT/new"),
                shell("append", FILES, "echo x >> OUT/secret"),
                shell("read", FILES, "cat OUT/secret"),
                shell("symbolic link", FILES, "ln -s OUT/secret l; cat l; echo x > l"),
                shell("hard link", FILES, "ln OUT/secret h; cat h; echo x > h"),
                shell("move away", FILES, "mv OUT/secret ."),
                shell("move over", FILES, "echo x > s; mv s OUT/secret"),
                shell("delete", FILES, "rm -rf OUT/secret OUT"),
                shell("list", FILES, "ls OUT/ | grep secret && echo ESCAPED"),
                shell("rights", FILES, "chmod 777 OUT/secret"),
                shell("time", FILES, "touch -d 2001-01-01 OUT/secret"),
                shell("owner", FILES, "chown 65534 OUT/secret && echo ESCAPED"),
                shell("from inside", FILES, "cd OUT && cat secret; cat ./secret; echo x > made"),
                shell("dots", FILES, "cat ../../../../../../../../..OUT/secret"),
                shell("root of a process", FILES, "cat /proc/self/rootOUT/secret"),
                shell("shared memory", FILES, "echo x > /dev/shm/attune-probe && echo ESCAPED"),
                shell("temporary files", FILES, "echo x > /tmp/attune-probe-x && echo ESCAPED"),
                shell("device", FILES, "mknod d c 1 8 && echo ESCAPED"),
                shell("chroot", FILES, "chroot / /bin/sh -c 'echo ESCAPED'"),
                shell("mount", FILES, "mount -t tmpfs x . && echo ESCAPED"),
                shell(
                        "user namespace",
                        FILES,
                        "unshare -r /bin/sh -c 'echo ESCAPED; cat OUT/secret'"));
    }

    private static List<Attack> onOthers() {
        return List.of(
                shell("environment", PROCESSES, "cat /proc/VICTIM/environ | tr '\\0' '\\n'"),
                shell("kill", PROCESSES, "kill -9 VICTIM"),
                shell("priority", PROCESSES, "renice -n 19 -p VICTIM && echo ESCAPED"),
                shell("others' limits", PROCESSES, "prlimit --pid VICTIM --cpu=1 && echo ESCAPED"),
                // This one is tried only where the kernel limits it, since others live here too.
                shell(DOUBLING, PROCESSES, "f() { f | f & }; f; sleep 1; echo done"),
                shell(
                        "many processes",
                        PROCESSES,
                        // counted by looking, some 400 are there before that
                        "i=0; while [ $i -lt 400 ]; do sleep 30 & i=$((i+1)); done; sleep 3; echo"
                                + " ESCAPED"),
                shell("left behind", PROCESSES, "(setsid sleep 600 >/dev/null 2>&1 &)"),
                shell("deaf", PROCESSES, "trap '' TERM INT HUP; sleep 600 & sleep 600"),
                shell("silent", PROCESSES, "exec >&- 2>&- <&-; sleep 600"),
                shell("more memory", MEMORY, "ulimit -v unlimited 2>/dev/null && echo ESCAPED"),
                shell(
                        "disk",
                        PROCESSES,
                        "i=0; while :; do head -c 900000 /dev/zero > f$i; i=$((i+1)); done"),
                shell(
                        "large file",
                        MEMORY,
                        "head -c 99000000 /dev/zero > f; [ $(wc -c < f) -gt 9000000 ] && echo"
                                + " ESCAPED"),
                shell(
                        "endless output",
                        PROCESSES,
                        "while :; do echo aaaaaaaaaaaaaaaaaaaaaa; done"));
    }

    private static List<Attack> onMemory() {
        return List.of(
                python("memory", MEMORY, "x = bytearray(1 << 30); print('ESCAPED')"),
                python(
                        "shared memory map",
                        MEMORY,
                        "import mmap; mmap.mmap(-1, 1 << 30); print('ESCAPED')"),
                python("memory file", MEMORY, "import os; os.memfd_create('x'); print('ESCAPED')"),
                python(
                        "memory of many",
                        PROCESSES,
                        """
                        import os, time
                        for i in range(6):
                          if os.fork() == 0:
                            x = bytearray(90 << 20); time.sleep(20); print('ESCAPED'); os._exit(0)
                        os.wait()\
                        """),
                python(
                        "threads",
                        PROCESSES,
                        """
                        import threading, time
                        threading.stack_size(65536)
                        for i in range(3000): threading.Thread(target=lambda: time.sleep(60), daemon=True).start()
                        print('ESCAPED')\
                        """));
    }

    private static List<Attack> inPython() {
        return List.of(
                python(
                        "connect",
                        NETWORK,
                        "import socket; socket.create_connection(('127.0.0.1', PORT));"
                                + " print('ESCAPED')"),
                python(
                        "datagram",
                        NETWORK,
                        "import socket; socket.socket(socket.AF_INET,"
                                + " socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT));"
                                + " print('ESCAPED')"),
                python(
                        "listen",
                        NETWORK,
                        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen();"
                                + " print('ESCAPED')"),
                python(
                        "local socket",
                        NETWORK,
                        "import socket; socket.socket(socket.AF_UNIX); print('ESCAPED')"),
                python("io_uring", NETWORK, call("io_uring_setup, 4, buffer")),
                python(
                        "open files",
                        FILES,
                        """
                        import os
                        for i in range(3, 256):
                          try: os.fstat(i); print('ESCAPED', i)
                          except OSError: pass\
                        """),
                python("trace", PROCESSES, call("ptrace, 16, VICTIM")),
                python(
                        "others' memory",
                        PROCESSES,
                        call("process_vm_readv, VICTIM, buffer, 1, buffer, 1, 0")),
                python(
                        "session",
                        PROCESSES,
                        """
                        import os, time
                        if os.fork() == 0:
                          os.setsid(); print('ESCAPED'); time.sleep(60)\
                        """),
                python("truncate", FILES, "import os; os.truncate('OUT/secret', 0)"));
    }

    private static List<Attack> inJava() {
        return List.of(
                java("socket", NETWORK, "new java.net.Socket(\"127.0.0.1\", PORT);"),
                java(
                        "kill from Java",
                        PROCESSES,
                        "ProcessHandle.of(VICTIM).get().destroyForcibly();"));
    }

    private static Attack shell(String name, Guarantee against, String code) {
        return new Attack(name, against, Language.SHELL, code);
    }

    private static Attack python(String name, Guarantee against, String code) {
        return new Attack(name, against, Language.PYTHON, code);
    }

    private static Attack java(String name, Guarantee against, String code) {
        return new Attack(
                name,
                against,
                Language.JAVA,
                "public class Main { public static void main(String[] a) throws Exception { "
                        + code
                        + " } }");
    }

    /// A call by its number, which succeeds where it answers 0 or above.
    private static String call(String nameAndArguments) {
        String name = nameAndArguments.substring(0, nameAndArguments.indexOf(','));
        int number = Machine.here().map(m -> m.number(name)).orElse(0);
        return "import ctypes; buffer = ctypes.create_string_buffer(4096); r = ctypes.CDLL(None).syscall(%s); print('ESCAPED' if r >= 0 else 'refused')"
                .formatted(number + nameAndArguments.substring(name.length()));
    }

    @Override
    public String toString() {
        return name;
    }
}
