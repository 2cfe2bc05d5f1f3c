package org.attune.agents.sandbox;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The namespaces of an episode: its files, and a network without devices. They are there as long
/// as this process holds them or a program runs in them, and leave nothing behind.
final class Spaces implements AutoCloseable {
    private static final int CLOSE_ON_EXEC = 0x80000; // O_CLOEXEC
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD

    private record Space(String name, long kind) {}

    private static final Space OF_USER = new Space("user", Namespaces.NEW_USER);
    private static final List<Space> OTHERS =
            List.of(
                    new Space("net", Namespaces.NEW_NETWORK),
                    new Space("ipc", Namespaces.NEW_IPC),
                    new Space("mnt", Namespaces.NEW_FILES));

    private final Kernel kernel;
    private final JailUser user;
    private final List<Space> spaces = new ArrayList<>();
    private final List<Long> held = new ArrayList<>(); // descriptors, in the order of spaces

    private Spaces(Kernel kernel, JailUser user) {
        this.kernel = kernel;
        this.user = user;
        if (!user.isRoot()) {
            spaces.add(OF_USER);
        }
        spaces.addAll(OTHERS);
    }

    /// Lets a process make them, holds them, and ends the process.
    ///
    /// @param process of [CallRunner], not yet told what to do
    /// @throws JailException if the system refuses them
    static Spaces make(Kernel kernel, Process process, JailUser user, long disk, List<String> read)
            throws IOException, InterruptedException {
        var made = new Spaces(kernel, user);
        boolean isReady = false;
        try (var out = process.getOutputStream();
                var in =
                        new BufferedReader(
                                new InputStreamReader(
                                        process.getInputStream(), StandardCharsets.UTF_8))) {
            var calls = new JailCalls(new CallList(kernel.machine()));
            Namespaces.make(calls, user, disk, read);
            calls.finish();
            calls.list().write(out);
            if (in.readLine() == null) {
                int exit = process.waitFor();
                calls.exit(process.getErrorStream().readAllBytes(), exit);
                throw new JailException(JailStep.NAMESPACES, "ended with exit code " + exit);
            }
            for (Space space : made.spaces) {
                made.held.add(kernel.open("/proc/%d/ns/%s".formatted(process.pid(), space.name)));
            }
            isReady = true;
            return made;
        } finally {
            process.toHandle().destroyForcibly();
            if (!isReady) {
                made.close();
            }
        }
    }

    /// The user as which programs run in the namespaces.
    JailUser user() {
        return user;
    }

    /// Appends the calls that enter them.
    void enter(JailCalls calls) {
        List<CallList.Call> open = new ArrayList<>();
        for (long descriptor : held) {
            String path = "/proc/%d/fd/%d".formatted(ProcessHandle.current().pid(), descriptor);
            open.add(
                    calls.need(JailStep.NAMESPACES, "openat", CURRENT_FOLDER, path, CLOSE_ON_EXEC));
        }
        for (int i = 0; i < open.size(); i++) {
            calls.need(JailStep.NAMESPACES, "setns", open.get(i).result(), spaces.get(i).kind);
        }
    }

    @Override
    public void close() {
        held.forEach(kernel::close);
        held.clear();
    }
}
