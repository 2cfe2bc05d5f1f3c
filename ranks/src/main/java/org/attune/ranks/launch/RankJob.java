package org.attune.ranks.launch;

import org.attune.error.ConfigException;
import org.attune.ranks.HostName;
import org.attune.ranks.RankProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// A launcher at work: starts the ranks, lets them speak, and hands them the wish to stop.
public final class RankJob implements RankProvider.Job {
    private static final Logger LOG = LoggerFactory.getLogger(RankJob.class);

    /// Tells ranks which process started their launcher, `PID@HOST`.
    public static final String STARTER = "ATTUNE_RANKS_STARTER";

    /// The user's own options for the launcher, with spaces between them.
    private static final String MORE = "ATTUNE_MPIRUN_OPTIONS";

    /// What a launcher gets to end the other ranks when one has given up.
    private static final int PATIENCE_SECONDS = 15;

    private final Process process;
    private final Consumer<String> lines;
    private final JobMessages messages = new JobMessages();
    private volatile boolean stopping;
    private boolean ending;

    private RankJob(Process process, Consumer<String> lines) {
        this.process = process;
        this.lines = lines;
    }

    /// Starts processes.
    ///
    /// @param hosts machines to start them on, `node0:8,node1:8`; empty: this one
    /// @param program that each rank runs, with its arguments
    /// @param variables further ones of its environment
    /// @param lines gets the ranks' and the launcher's messages
    /// @throws ConfigException if there is no launcher, or it can't start them
    public static RankJob start(
            int ranks,
            String hosts,
            List<String> program,
            Map<String, String> variables,
            Consumer<String> lines) {
        var plan =
                new JobPlan(
                        ranks,
                        RankHosts.parse(hosts, ranks),
                        Runtime.getRuntime().availableProcessors(),
                        "root".equals(System.getProperty("user.name")));
        Map<String, String> environment = System.getenv();
        MpiLauncher launcher = MpiLauncher.find(environment);
        if (plan.isCrowded()) {
            LOG.warn(
                    "--ranks {}: this machine has {} cores, so ranks share them and take longer",
                    plan.ranks(),
                    plan.cores());
        }
        LOG.info(
                "{} ranks with {} threads each by {} ({})",
                plan.ranks(),
                environment.getOrDefault("OMP_NUM_THREADS", "" + plan.threads()),
                launcher.file(),
                launcher.version());
        return new RankJob(start(launcher, plan, program, variables), lines);
    }

    private static Process start(
            MpiLauncher launcher,
            JobPlan plan,
            List<String> program,
            Map<String, String> variables) {
        var builder = new ProcessBuilder();
        Map<String, String> theirs = builder.environment();
        theirs.putAll(variables);
        theirs.put(STARTER, ProcessHandle.current().pid() + "@" + HostName.own());
        theirs.putIfAbsent("OMP_NUM_THREADS", Integer.toString(plan.threads()));
        theirs.putIfAbsent("UCX_ERROR_SIGNALS", ""); // the JVM has uses for SIGSEGV
        String more = theirs.getOrDefault(MORE, "").strip();
        List<String> own = more.isEmpty() ? List.of() : List.of(more.split("\\s+"));
        List<String> command = new ArrayList<>(ownSession());
        command.addAll(plan.command(launcher, theirs, own, program));
        builder.command(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(ProcessBuilder.Redirect.INHERIT);
        try {
            return builder.start();
        } catch (IOException e) {
            throw new ConfigException(
                    launcher.file() + " could not be started: " + e.getMessage(), e);
        }
    }

    /// Ctrl-C reaches all processes of a terminal's session; the launcher would kill the ranks a
    /// second later, before they have written a checkpoint.
    private static List<String> ownSession() {
        return Stream.of("/usr/bin/setsid", "/bin/setsid")
                .filter(file -> Files.isExecutable(Path.of(file)))
                .limit(1)
                .toList();
    }

    @Override
    public int await() throws InterruptedException {
        try (var text =
                new BufferedReader(
                        new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line = text.readLine(); line != null; line = text.readLine()) {
                messages.read(line);
                lines.accept(line);
                if (messages.gaveUp() && !ending) {
                    ending = true;
                    endSoon();
                }
            }
        } catch (IOException e) {
            lines.accept("the launcher's messages can't be read: " + e.getMessage());
        }
        return process.waitFor();
    }

    /// A launcher that can't reach its other machines would wait for them for a quarter of an hour.
    private void endSoon() {
        CompletableFuture.delayedExecutor(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .execute(process::destroyForcibly);
    }

    @Override
    public void stop() {
        if (stopping) {
            end();
            return;
        }
        stopping = true;
        try {
            String pid = Long.toString(process.pid());
            new ProcessBuilder("kill", "-USR1", pid).start(); // passed on to the ranks
        } catch (IOException e) {
            end();
        }
    }

    @Override
    public void end() {
        process.destroy();
    }

    @Override
    public boolean isStopping() {
        return stopping;
    }

    @Override
    public String reason() {
        return messages.text();
    }
}
