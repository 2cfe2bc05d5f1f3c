package org.attune.agents.sandbox;

import org.attune.agents.sandbox.Guarantees.Claim;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Finds out what jails keep on this machine, by calls in one that should fail.
final class SandboxProbe {
    private static final Logger log = LoggerFactory.getLogger(SandboxProbe.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int MOST = 1 << 16;
    private static final long MEMORY = 256L << 20; // of the probe, whatever is configured
    private static final long DISK = 4L << 20;
    private static final int PROCESSES = 8;
    private static final int MANY = 40;
    private static final int FEW_TASKS = 20;
    private static final String DONE = "done";
    private static final String STARTED = "+";
    private static final String PRIVATE = "rw-------";

    private final Jails jails;
    private final Mechanisms mechanisms;

    SandboxProbe(Jails jails) {
        this.jails = jails;
        this.mechanisms = new Mechanisms(jails);
    }

    /// @param config names the limits in what is claimed; the probe's own are smaller
    Guarantees run(SandboxConfig config) throws IOException, InterruptedException {
        return new Guarantees(claims(config, escapes()));
    }

    /// What was found open, by kind.
    Map<Guarantee, List<String>> escapes() throws IOException, InterruptedException {
        while (true) {
            try (HostFolders folders = HostFolders.make();
                    WorkFolder outside = folders.folder();
                    WorkFolder work = folder()) {
                Path secret = Files.writeString(outside.path().resolve("secret"), "secret");
                Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString(PRIVATE));
                return escapes(outside.path(), work);
            } catch (IOException e) {
                if (!(e.getCause() instanceof JailException refusal)
                        || refusal.step() == JailStep.EXEC
                        || !jails.takes(refusal.step())) {
                    throw e;
                }
                log.debug("the sandbox goes without {}", refusal.step(), e);
                mechanisms.avoid(refusal);
            }
        }
    }

    private Map<Guarantee, Claim> claims(SandboxConfig config, Map<Guarantee, List<String>> found)
            throws IOException, InterruptedException {
        Optional<String> limit = Optional.empty();
        if (config.processes() > 1) {
            many().ifPresent(how -> add(found, Guarantee.PROCESSES, how));
            limit = taskLimit();
        }
        Map<Guarantee, Claim> claims = new EnumMap<>(Guarantee.class);
        for (Guarantee guarantee : Guarantee.values()) {
            String means = means(guarantee, config, limit.orElse(""));
            claims.put(
                    guarantee,
                    mechanisms.claim(guarantee, means, found.getOrDefault(guarantee, List.of())));
        }
        if (config.processes() > 1 && limit.isEmpty() && claims.get(Guarantee.PROCESSES).holds()) {
            claims.put(
                    Guarantee.PROCESSES,
                    Claim.not(
                            "at most %d, %s; the kernel limits no number of processes here"
                                    .formatted(config.processes(), Guarantees.WATCHED),
                            List.of(new Remedies().of(JailStep.TASKS))));
        }
        return claims;
    }

    private String means(Guarantee of, SandboxConfig config, String limit) {
        return switch (of) {
            case FILES ->
                    Stream.of(JailStep.NAMESPACES, JailStep.LANDLOCK)
                            .filter(jails::takes)
                            .map(
                                    step ->
                                            step == JailStep.LANDLOCK
                                                    ? "Landlock ABI " + jails.abi()
                                                    : "seen by their episode alone")
                            .collect(Collectors.joining(", "));
            case NETWORK -> "seccomp";
            case MEMORY -> "%d MiB per process".formatted(config.memory() >> 20);
            case PROCESSES ->
                    config.processes() == 1
                            ? "one"
                            : "at most %d, %s; %s keeps them and their threads below %d"
                                    .formatted(
                                            config.processes(),
                                            Guarantees.WATCHED,
                                            limit,
                                            Math.max(Jails.TASKS, 2 * config.processes()));
            case DISK -> "%d MiB in memory".formatted(config.disk() >> 20);
        };
    }

    /// A folder of an episode. Steps that the system refuses are left out.
    private WorkFolder folder() throws IOException, InterruptedException {
        while (true) {
            try {
                return jails.folder(DISK);
            } catch (JailException e) {
                log.debug("the sandbox goes without {}", e.step(), e);
                mechanisms.avoid(e);
            }
        }
    }

    private Map<Guarantee, List<String>> escapes(Path outside, WorkFolder work)
            throws IOException, InterruptedException {
        Process victim = jails.launch();
        try {
            Map<Guarantee, List<String>> found = new EnumMap<>(Guarantee.class);
            String output =
                    output(
                            work,
                            limits().processes(),
                            calls -> attempts(calls, outside.toString(), victim.pid()));
            List<String> lines = output.lines().toList();
            if (lines.isEmpty() || !lines.getLast().equals(DONE)) {
                throw new IOException("the probe of the sandbox ended early: " + output);
            }
            for (String line : lines.subList(0, lines.size() - 1)) {
                add(line, found);
            }
            if (!victim.isAlive()) {
                add(found, Guarantee.PROCESSES, "ends other processes");
            }
            if (!isUntouched(outside.resolve("secret"))) {
                add(found, Guarantee.FILES, "changes others' files");
            }
            return found;
        } finally {
            victim.destroyForcibly();
        }
    }

    private static void attempts(JailCalls calls, String outside, long victim) {
        ProbeCalls.files(calls, outside);
        ProbeCalls.network(calls);
        ProbeCalls.processes(calls, victim);
        ProbeCalls.memory(calls, MEMORY);
        ProbeCalls.disk(calls, DISK);
        calls.may("write", 1, DONE, DONE.length());
        calls.may("exit_group", 0);
    }

    private static boolean isUntouched(Path secret) throws IOException {
        return Files.exists(secret)
                && Files.readString(secret).equals("secret")
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(secret))
                        .equals(PRIVATE);
    }

    private static void add(String line, Map<Guarantee, List<String>> found) {
        for (Guarantee guarantee : Guarantee.values()) {
            if (line.startsWith(guarantee.key() + ": ")) {
                add(found, guarantee, line.substring(guarantee.key().length() + 2));
            }
        }
    }

    private static void add(Map<Guarantee, List<String>> found, Guarantee of, String how) {
        found.computeIfAbsent(of, g -> new ArrayList<>()).add(how);
    }

    private String output(WorkFolder work, int tasks, Consumer<JailCalls> last)
            throws IOException, InterruptedException {
        try (RunningProgram running = start(work, tasks, last)) {
            return running.await(PATIENCE).output();
        }
    }

    private RunningProgram start(WorkFolder work, int tasks, Consumer<JailCalls> last)
            throws IOException, InterruptedException {
        return jails.start(
                ProgramCommand.of(""), work, limits(), MOST, Math.max(tasks, FEW_TASKS), last);
    }

    private static SandboxConfig limits() {
        return SandboxConfig.DEFAULTS.withMemory(MEMORY).withProcesses(PROCESSES).withDisk(DISK);
    }

    /// How a program with many processes escaped, if it did.
    private Optional<String> many() throws IOException, InterruptedException {
        try (WorkFolder work = folder();
                var watch = new ProgramWatch(limits());
                RunningProgram running =
                        start(work, Jails.TASKS, calls -> calls.startMany(MANY, STARTED))) {
            if (!running.receive("\n", PATIENCE).equals(Optional.of(STARTED.repeat(MANY)))) {
                return Optional.of("can't start processes");
            }
            List<Long> started =
                    ProcessHandle.of(running.pid()).stream()
                            .flatMap(ProcessHandle::descendants)
                            .map(ProcessHandle::pid)
                            .toList();
            if (started.size() < MANY) {
                String why = new Remedies().ofCounting();
                return Optional.of("has processes that can't be counted; " + why);
            }
            watch.add(running);
            ProgramEnd end = running.await(Duration.ofSeconds(10));
            if (!end.limit().equals(Optional.of(ProgramEnd.Limit.PROCESSES))) {
                return Optional.of("starts as many processes as it likes");
            }
            return areGone(started) ? Optional.empty() : Optional.of("leaves processes behind");
        }
    }

    private static boolean areGone(List<Long> processes) throws InterruptedException {
        for (int i = 0; i < 50; i++) {
            if (ProcessStat.all().stream().noneMatch(p -> processes.contains(p.pid()))) {
                return true;
            }
            Thread.sleep(20);
        }
        return false;
    }

    /// What really holds a program below a number of processes.
    private Optional<String> taskLimit() throws IOException, InterruptedException {
        while (jails.taskLimit().isPresent()) {
            int few = started(FEW_TASKS);
            if (few < MANY && started(Jails.TASKS) == MANY) {
                return jails.taskLimit();
            }
            log.debug("the sandbox goes without {}", jails.taskLimit());
            jails.leaveOutTaskLimit();
        }
        return Optional.empty();
    }

    /// How many processes a program could start.
    private int started(int tasks) throws IOException, InterruptedException {
        try (WorkFolder work = folder();
                RunningProgram running =
                        start(work, tasks, calls -> calls.startMany(MANY, STARTED))) {
            return running.receive("\n", PATIENCE).orElse("").length();
        }
    }
}
