package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/// Starts programs in jails. A few launchers wait in advance, so that a program starts as fast as
/// one without a jail.
final class Jails implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Jails.class);
    private static final int WAITING = 2;
    private static final int LEAST_SECONDS = 60;

    /// Processes and threads of a program that the kernel allows; more are many.
    static final int TASKS = 512;

    /// What a JVM sets aside besides what it uses.
    private static final long JVM_ADDRESSES = 4L << 30;

    private final Kernel kernel; // guarded by itself
    private final LauncherFiles files;
    private final int abi;
    private Optional<TaskGroups> groups = TaskGroups.find();
    private final Set<JailStep> steps = EnumSet.allOf(JailStep.class);
    private final ArrayDeque<Process> waiting = new ArrayDeque<>(); // guarded by itself
    // A jail dies with the thread that started it, hence with this process: so one thread, which
    // lives as long as the jails, starts them all.
    private final ExecutorService starter =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("sandbox-starter").factory());

    Jails(Machine machine) throws IOException {
        this.kernel = new Kernel(machine);
        this.abi = kernel.landlockAbi();
        this.files = LauncherFiles.write();
        if (abi == 0) {
            steps.remove(JailStep.LANDLOCK);
        }
        if (ProcessStat.isRoot()) {
            steps.remove(JailStep.TASKS);
        }
    }

    int abi() {
        return abi;
    }

    LauncherFiles files() {
        return files;
    }

    boolean takes(JailStep step) {
        return steps.contains(step);
    }

    /// No longer takes a step that the system refuses.
    void leaveOut(JailStep step) {
        steps.remove(step);
    }

    /// What of the kernel limits the number of a program's processes and threads, if anything.
    Optional<String> taskLimit() {
        if (groups.isPresent()) {
            return Optional.of("a control group");
        }
        return takes(JailStep.TASKS) ? Optional.of("a limit of its user") : Optional.empty();
    }

    /// No longer limits tasks by what [#taskLimit] names.
    void leaveOutTaskLimit() {
        if (groups.isPresent()) {
            groups.get().close();
            groups = Optional.empty();
        } else {
            leaveOut(JailStep.TASKS);
        }
    }

    /// As below, with the usual limit of tasks.
    RunningProgram start(
            ProgramCommand command, SandboxConfig config, List<String> read, String mark, int most)
            throws IOException, InterruptedException {
        return start(command, config, read, mark, most, Math.max(TASKS, 2 * config.processes()));
    }

    /// Puts a program into a jail. What it writes begins with the mark and the failed step if that
    /// isn't possible.
    ///
    /// @param read what every program may read
    /// @param most characters of output that are kept
    /// @param tasks processes and threads that the kernel is to allow
    /// @throws IOException if no launcher can be started
    RunningProgram start(
            ProgramCommand command,
            SandboxConfig config,
            List<String> read,
            String mark,
            int most,
            int tasks)
            throws IOException, InterruptedException {
        Process process = take();
        if (groups.isPresent()) {
            groups.get().hold(process, tasks);
        }
        // through this stream alone, before anybody else writes to it
        var out = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
        plan(command, config, read, mark, tasks).write(out);
        var output = new ProgramOutput(most);
        output.serve(process.getInputStream());
        return new RunningProgram(process, output, command.work(), mark, () -> end(process));
    }

    private JailPlan plan(
            ProgramCommand command,
            SandboxConfig config,
            List<String> read,
            String mark,
            int tasks) {
        return new JailPlan(
                mark,
                command.work().toString(),
                read,
                command.command(),
                environment(command),
                steps,
                abi,
                new JailPlan.Limits(
                        config.memory(),
                        config.memory() + (command.isJvm() ? JVM_ADDRESSES : 0),
                        config.disk(),
                        LEAST_SECONDS * 60L,
                        takes(JailStep.TASKS) ? ProcessStat.tasksOfUser() + tasks : 0,
                        config.processes() > 1));
    }

    static List<String> environment(ProgramCommand command) {
        Map<String, String> all = new TreeMap<>();
        all.put("PATH", "/usr/local/bin:/usr/bin:/bin");
        all.put("HOME", command.work().toString());
        all.put("TMPDIR", command.work().toString());
        all.put("LANG", "C.UTF-8");
        all.putAll(command.environment());
        return all.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
    }

    /// A mark that no program can guess.
    static String mark() {
        return "jail-" + UUID.randomUUID();
    }

    /// A launcher that waits for its plan.
    Process take() throws IOException, InterruptedException {
        Process process;
        synchronized (waiting) {
            do {
                process = waiting.poll();
            } while (process != null && !process.isAlive());
        }
        if (process == null) {
            process = launch();
        }
        refill();
        return process;
    }

    private Process launch() throws IOException, InterruptedException {
        try {
            return starter.submit(() -> files.launcher().start()).get();
        } catch (ExecutionException e) {
            throw new IOException("no launcher can be started: " + e.getCause().getMessage(), e);
        } catch (RejectedExecutionException e) {
            throw new IOException("the sandbox is closed", e);
        }
    }

    private void refill() {
        synchronized (waiting) {
            if (waiting.size() >= WAITING) {
                return;
            }
        }
        starter.execute(
                () -> {
                    synchronized (waiting) {
                        try {
                            if (waiting.size() < WAITING && !starter.isShutdown()) {
                                waiting.add(files.launcher().start());
                            }
                        } catch (IOException e) {
                            log.debug("no launcher can be started in advance", e);
                        }
                    }
                });
    }

    /// All processes of a jail are of one group, which they can't leave.
    private void end(Process process) {
        // Between the end of its last process and here the number may be given anew, but not to a
        // group, unless all other numbers were used up meanwhile.
        synchronized (kernel) {
            if (takes(JailStep.SESSION)) {
                kernel.killGroup(process.pid());
            }
        }
        endTree(process);
    }

    /// Ends a process and those that it started. Not by [Process#destroyForcibly], which also
    /// closes the output that is still to be read.
    static void endTree(Process process) {
        List<ProcessHandle> started = process.descendants().toList();
        if (process.isAlive()) {
            process.toHandle().destroyForcibly();
        }
        started.forEach(ProcessHandle::destroyForcibly);
    }

    @Override
    public void close() {
        starter.shutdown();
        synchronized (waiting) {
            waiting.forEach(Process::destroyForcibly);
            waiting.clear();
        }
        groups.ifPresent(TaskGroups::close);
        files.close();
    }
}
