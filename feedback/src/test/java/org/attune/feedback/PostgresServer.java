package org.attune.feedback;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A PostgreSQL server at a port of this machine, with an empty database in a folder that goes with
/// it. It doesn't run as root, which PostgreSQL refuses.
final class PostgresServer implements AutoCloseable {
    static final String USER = "attune";
    static final String PASSWORD = "not-a-secret";

    private static final Path DEBIAN = Path.of("/usr/lib/postgresql");
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");
    private static final int SECONDS = 60;

    private final Path folder;
    private final Process process;
    private final int port;

    private PostgresServer(Path folder, Process process, int port) {
        this.folder = folder;
        this.process = process;
        this.port = port;
    }

    /// The folder of its programs: one on the PATH, or Debian's.
    private static Optional<Path> programs() {
        List<Path> folders = new ArrayList<>();
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
            folders.add(Path.of(folder));
        }
        if (Files.isDirectory(DEBIAN)) {
            try (Stream<Path> versions = Files.list(DEBIAN)) {
                versions.forEach(version -> folders.add(version.resolve("bin")));
            } catch (IOException e) {
                return Optional.empty();
            }
        }
        return folders.stream()
                .filter(folder -> Files.isExecutable(folder.resolve("initdb")))
                .filter(folder -> Files.isExecutable(folder.resolve("postgres")))
                .findFirst();
    }

    static boolean isThere() {
        return programs().isPresent() && (!isRoot() || Files.isExecutable(SETPRIV));
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    private static Process run(Path folder, String program, String... arguments)
            throws IOException {
        List<String> words = new ArrayList<>();
        if (isRoot()) {
            words.addAll(
                    List.of(
                            SETPRIV.toString(),
                            "--reuid=nobody",
                            "--regid=nogroup",
                            "--clear-groups"));
        }
        words.add(programs().orElseThrow().resolve(program).toString());
        words.addAll(List.of(arguments));
        return new ProcessBuilder(words)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
                .start();
    }

    static PostgresServer start() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("postgres");
        Path password = Files.writeString(folder.resolve("password"), PASSWORD);
        if (isRoot()) {
            var nobody =
                    folder.getFileSystem()
                            .getUserPrincipalLookupService()
                            .lookupPrincipalByName("nobody");
            Files.setOwner(folder, nobody);
            Files.setOwner(password, nobody);
        }
        String data = folder.resolve("data").toString();
        int made =
                run(
                                folder,
                                "initdb",
                                "--pgdata=" + data,
                                "--username=" + USER,
                                "--auth=scram-sha-256",
                                "--pwfile=" + password,
                                "--encoding=UTF8",
                                "--no-locale",
                                "--no-sync")
                        .waitFor();
        int port = freePort();
        if (made != 0) {
            throw new IOException(Files.readString(folder.resolve("log")));
        }
        Process process =
                run(
                        folder,
                        "postgres",
                        "-D",
                        data,
                        "-p",
                        String.valueOf(port),
                        "-h",
                        "127.0.0.1",
                        "-k",
                        folder.toString());
        var server = new PostgresServer(folder, process, port);
        server.await();
        return server;
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void await() throws IOException, InterruptedException {
        for (int i = 0; i < 10 * SECONDS; i++) {
            String log = Files.readString(folder.resolve("log"));
            if (log.contains("database system is ready to accept connections")) {
                return;
            }
            if (!process.isAlive()) {
                throw new IOException(log);
            }
            Thread.sleep(100);
        }
        throw new IOException("PostgreSQL isn't ready after %d s".formatted(SECONDS));
    }

    /// As [FeedbackStore#open] takes it.
    String place() {
        return "postgresql://%s:%s@127.0.0.1:%d/postgres".formatted(USER, PASSWORD, port);
    }

    String jdbcUrl() {
        return "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(port);
    }

    @Override
    public void close() {
        process.destroy(); // it waits for clients
        try (Stream<Path> all = Files.walk(folder)) {
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
