package org.attune.cli.launch;

import org.attune.error.ConfigException;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A launcher at work: starts the ranks, lets them speak, and hands them the wish to stop.
public final class RankJob {
    /// Tells ranks by which options they were asked for.
    public static final String OPTIONS = "ATTUNE_RANKS_OPTIONS";

    /// Tells ranks which process started their launcher, `PID@HOST`.
    public static final String STARTER = "ATTUNE_RANKS_STARTER";

    /// The user's own options for the launcher, with spaces between them.
    private static final String MORE = "ATTUNE_MPIRUN_OPTIONS";

    /// What a launcher gets to end the other ranks when one has given up.
    private static final int PATIENCE_SECONDS = 15;

    private final Process process;
    private final JobMessages messages = new JobMessages();
    private final PrintWriter err;
    private volatile boolean stopping;
    private boolean ending;

    private RankJob(Process process, PrintWriter err) {
        this.process = process;
        this.err = err;
    }

    /// Starts it.
    ///
    /// @param options by which this process was asked to, as `--ranks 4`
    /// @param program that each rank runs, with its arguments
    /// @param err where the ranks' and the launcher's messages go
    /// @throws ConfigException if the launcher can't be started
    public static RankJob start(
            MpiLauncher launcher,
            JobPlan plan,
            String options,
            List<String> program,
            PrintWriter err) {
        Map<String, String> environment = System.getenv();
        var builder = new ProcessBuilder();
        Map<String, String> theirs = builder.environment();
        theirs.put(OPTIONS, options);
        theirs.put(STARTER, ProcessHandle.current().pid() + "@" + HostName.own());
        theirs.putIfAbsent("OMP_NUM_THREADS", Integer.toString(plan.threads()));
        theirs.putIfAbsent("UCX_ERROR_SIGNALS", ""); // the JVM has uses for SIGSEGV
        String more = environment.getOrDefault(MORE, "").strip();
        List<String> words = SecretWords.hidden(program, theirs);
        List<String> own = more.isEmpty() ? List.of() : List.of(more.split("\\s+"));
        List<String> command = new ArrayList<>(ownSession());
        command.addAll(plan.command(launcher, theirs, own, words));
        builder.command(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(ProcessBuilder.Redirect.INHERIT);
        try {
            return new RankJob(builder.start(), err);
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

    /// Waits for the end.
    ///
    /// @return the launcher's exit code
    public int await() throws InterruptedException {
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                messages.read(line);
                err.println(line);
                err.flush();
                if (messages.gaveUp() && !ending) {
                    ending = true;
                    endSoon();
                }
            }
        } catch (IOException e) {
            err.println("the launcher's messages can't be read: " + e.getMessage());
        }
        return process.waitFor();
    }

    /// A launcher that can't reach its other machines would wait for them for a quarter of an hour.
    private void endSoon() {
        CompletableFuture.delayedExecutor(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .execute(process::destroyForcibly);
    }

    /// Asks the ranks to stop after this step; asked again, ends them.
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

    /// Ends the launcher, which ends the ranks with itself.
    public void end() {
        process.destroy();
    }

    /// Whether the ranks were asked to stop.
    public boolean isStopping() {
        return stopping;
    }

    /// Which rank ended the job and how, in a sentence; empty if none is known.
    public String reason() {
        return messages.text();
    }
}
