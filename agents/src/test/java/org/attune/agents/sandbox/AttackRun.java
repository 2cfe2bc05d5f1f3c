package org.attune.agents.sandbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/// Runs `attacks.py` in a sandbox, and looks at what is outside before and after.
final class AttackRun {
    private static final String ATTACKS = "attacks.py";
    private static final String SECRET = "the-secret-text";
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int MOST = 4 << 20;

    private final Machine machine = Machine.here().orElseThrow();
    private final PythonHome python;
    private final AtomicInteger connections = new AtomicInteger();

    /// How the attacks ended.
    ///
    /// @param guarantees of the sandbox
    /// @param attempts how many
    /// @param escapes of those that the sandbox said it would keep
    record Outcome(String guarantees, int attempts, List<String> escapes) {}

    AttackRun(PythonHome python) {
        this.python = python;
    }

    /// For a process of another user: prints the number of attempts, then escapes.
    ///
    /// @param args steps that are taken away
    public static void main(String[] args) throws Exception {
        Set<JailStep> without = EnumSet.noneOf(JailStep.class);
        for (String arg : args) {
            without.add(JailStep.valueOf(arg));
        }
        Outcome outcome = new AttackRun(PythonHome.find().orElseThrow()).run(without);
        System.out.println(outcome.guarantees());
        outcome.escapes().forEach(escape -> System.out.println("escape: " + escape));
        System.out.println("attempts: " + outcome.attempts());
    }

    Outcome run(Set<JailStep> without) throws Exception {
        try (HostFolders folders = HostFolders.make();
                WorkFolder outside = folders.folder();
                WorkFolder read = folders.folder();
                var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                var local = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            Path secret = Files.writeString(outside.path().resolve("secret"), SECRET);
            Files.setLastModifiedTime(secret, FileTime.fromMillis(1_000_000_000_000L));
            Files.writeString(read.path().resolve("table"), "1,2\n");
            local.bind(UnixDomainSocketAddress.of(read.path().resolve("socket")));
            Thread.ofVirtual().start(() -> accept(server));
            Process victim = victim();
            try {
                List<Path> readable = new ArrayList<>(python.folders());
                readable.add(read.path());
                SandboxConfig config =
                        SandboxConfig.DEFAULTS.withRequire(Set.of()).withRead(readable);
                Map<Path, Map<String, Object>> before = world(outside.path(), read.path());
                try (Sandbox sandbox = Sandbox.open(config, without)) {
                    Guarantees here = sandbox.guarantees();
                    if (!here.holds(Guarantee.FILES)
                            || !here.holds(Guarantee.NETWORK)
                            || !here.holds(Guarantee.MEMORY)) {
                        // attacks could do harm
                        return new Outcome(sandbox.guarantees().line(), 0, List.of());
                    }
                    List<String> lines =
                            attack(sandbox, outside.path(), read.path(), server, victim);
                    Outcome outcome = outcome(sandbox, lines);
                    Map<Path, Map<String, Object>> after = world(outside.path(), read.path());
                    after.forEach(
                            (path, of) -> {
                                if (!of.equals(before.get(path))) {
                                    outcome.escapes.add(
                                            "%s was %s and is %s"
                                                    .formatted(path, before.get(path), of));
                                }
                            });
                    if (!victim.isAlive()) {
                        outcome.escapes.add("the victim was ended");
                    }
                    return outcome;
                }
            } finally {
                victim.destroyForcibly();
            }
        }
    }

    private static Process victim() throws IOException {
        var builder = new ProcessBuilder("/bin/sh", "-c", "read x");
        builder.environment().put("SECRET", SECRET);
        return builder.start();
    }

    private void accept(ServerSocket server) {
        try {
            while (true) {
                server.accept().close();
                connections.incrementAndGet();
            }
        } catch (IOException e) {
            return; // closed
        }
    }

    /// What can be seen of files that no program may change.
    private static Map<Path, Map<String, Object>> world(Path outside, Path read)
            throws IOException {
        Map<Path, Map<String, Object>> world = new LinkedHashMap<>();
        for (Path path :
                List.of(
                        outside,
                        outside.resolve("secret"),
                        read,
                        read.resolve("table"),
                        Path.of("/usr/bin/env"),
                        Path.of("/dev/null"),
                        Path.of("/usr"))) {
            Map<String, Object> of = new TreeMap<>();
            for (String name : List.of("mode", "uid", "gid", "nlink", "size", "ctime")) {
                of.put(name, Files.getAttribute(path, "unix:" + name));
            }
            world.put(path, of);
        }
        return world;
    }

    private List<String> attack(
            Sandbox sandbox, Path outside, Path read, ServerSocket server, Process victim)
            throws Exception {
        String code;
        try (var in = AttackRun.class.getResourceAsStream(ATTACKS)) {
            code = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        try (WorkFolder work = sandbox.folder()) {
            var command =
                    new ProgramCommand(
                            List.of(
                                    python.program().toString(),
                                    work.code().resolve(ATTACKS).toString(),
                                    outside.toString(),
                                    Integer.toString(server.getLocalPort()),
                                    Long.toString(victim.pid()),
                                    read.toString(),
                                    numbers(),
                                    passing()),
                            Optional.of(new SourceFile(ATTACKS, code)),
                            Map.of(),
                            false);
            try (RunningProgram program = sandbox.start(command, work, MOST)) {
                ProgramEnd end = program.await(PATIENCE);
                List<String> lines = end.output().lines().toList();
                if (lines.isEmpty() || !lines.getLast().equals("all\tdone\theld")) {
                    String output = end.output();
                    throw new IllegalStateException(
                            "%s %s: %s"
                                    .formatted(
                                            end.exit(),
                                            end.limit(),
                                            output.substring(Math.max(0, output.length() - 2000))));
                }
                return lines;
            }
        }
    }

    private String numbers() {
        return machine.numbers().entrySet().stream()
                .map(e -> "\"%s\": %d".formatted(e.getKey(), e.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    /// Calls that some rule lets pass, with some arguments.
    private String passing() {
        var limits = new JailPlan.Limits(1, 1, 1, 1, 1, true);
        return CallRules.of(true, true, true, limits).stream()
                .filter(rule -> rule.errno() < 0)
                .map(rule -> "\"" + rule.call() + "\"")
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private Outcome outcome(Sandbox sandbox, List<String> lines) {
        List<String> escapes = new ArrayList<>();
        for (String line : lines) {
            String[] parts = line.split("\t", 3);
            boolean isHeld = parts[2].startsWith("held") && !parts[2].contains(SECRET);
            if (!isHeld && isKept(sandbox.guarantees(), parts[0])) {
                escapes.add(line);
            }
        }
        if (connections.get() > 0 && isKept(sandbox.guarantees(), "network")) {
            escapes.add("connections were made");
        }
        return new Outcome(sandbox.guarantees().line(), lines.size(), escapes);
    }

    private static boolean isKept(Guarantees guarantees, String key) {
        for (Guarantee guarantee : Guarantee.values()) {
            if (guarantee.key().equals(key)) {
                return guarantees.holds(guarantee);
            }
        }
        return true;
    }
}
