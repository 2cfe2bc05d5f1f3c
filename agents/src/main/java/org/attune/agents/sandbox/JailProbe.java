package org.attune.agents.sandbox;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/// Tries to get out of the jail that it runs in, by everything that is easily tried, and prints
/// what succeeded: `WHAT: how`, a line each. Knows nothing but the JDK.
final class JailProbe {
    /// The last line.
    static final String DONE = "done";

    private static final int CONNECT_MILLIS = 500;
    private static final int PIECE = 32 << 20;

    private final PrintStream out;

    private JailProbe(PrintStream out) {
        this.out = out;
    }

    @FunctionalInterface
    interface Escape {
        void attempt() throws Exception;
    }

    /// @param args a folder outside with a file `secret`; the port of a server; the number of a
    ///     process outside; bytes of memory that are too many
    public static void main(String[] args) {
        var out =
                new PrintStream(
                        new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        var probe = new JailProbe(out);
        probe.files(Path.of(args[0]));
        probe.network(Integer.parseInt(args[1]));
        probe.processes(Long.parseLong(args[2]));
        probe.memory(Long.parseLong(args[3]));
        out.println(DONE);
    }

    private void files(Path outside) {
        Path secret = outside.resolve("secret");
        Path inside = Path.of("probe");
        attempt(Guarantee.FILES, "reads", () -> Files.readString(secret));
        attempt(Guarantee.FILES, "writes", () -> Files.writeString(secret, "x"));
        attempt(
                Guarantee.FILES,
                "appends",
                () -> Files.writeString(secret, "x", StandardOpenOption.APPEND));
        attempt(Guarantee.FILES, "makes", () -> Files.createFile(outside.resolve("made")));
        attempt(
                Guarantee.FILES,
                "makes folders",
                () -> Files.createDirectory(outside.resolve("d")));
        attempt(
                Guarantee.FILES,
                "lists",
                () -> {
                    try (var listed = Files.newDirectoryStream(outside)) {
                        listed.forEach(out::println);
                    }
                });
        attempt(Guarantee.FILES, "links", () -> Files.createLink(inside, secret));
        attempt(
                Guarantee.FILES,
                "follows links",
                () -> Files.readString(Files.createSymbolicLink(Path.of("link"), secret)));
        attempt(Guarantee.FILES, "moves", () -> Files.move(secret, inside));
        attempt(Guarantee.FILES, "deletes", () -> Files.delete(secret));
        // succeeds without doing anything in a jail: who asked looks at the rights afterwards
        try {
            Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rwxrwxrwx"));
        } catch (IOException e) {
            return; // refused, as well
        }
    }

    private void network(int port) {
        var server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        attempt(
                Guarantee.NETWORK,
                "connects",
                () -> {
                    try (var socket = new Socket()) {
                        socket.connect(server, CONNECT_MILLIS);
                    }
                });
        attempt(
                Guarantee.NETWORK,
                "opens datagram sockets",
                () -> {
                    try (var socket = new DatagramSocket()) {
                        socket.connect(server);
                    }
                });
    }

    private void processes(long victim) {
        attempt(
                Guarantee.PROCESSES,
                "sees other processes",
                () -> Files.readAllBytes(Path.of("/proc/" + victim + "/environ")));
        // who asked looks whether it is still there
        ProcessHandle.of(victim).ifPresent(ProcessHandle::destroyForcibly);
    }

    private void memory(long bytes) {
        attempt(
                Guarantee.MEMORY,
                "takes " + (bytes >> 20) + " MiB",
                () -> {
                    var taken = new ByteBuffer[(int) (bytes / PIECE)];
                    for (int i = 0; i < taken.length; i++) {
                        taken[i] = ByteBuffer.allocateDirect(PIECE);
                    }
                });
    }

    private void attempt(Guarantee what, String how, Escape escape) {
        try {
            escape.attempt();
            out.println(what.key() + ": " + how);
        } catch (Exception | OutOfMemoryError e) {
            return; // refused, as it should be
        }
    }
}
