package org.attune.agents.sandbox;

import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/// Starts programs in jails, and makes the folders that they work in.
final class Jails implements AutoCloseable {
    private static final int SECONDS = 3600;

    /// Processes and threads of a program that the kernel allows; more are many.
    static final int TASKS = 512;

    /// What a JVM sets aside besides what it uses.
    private static final long JVM_ADDRESSES = 4L << 30;

    private final Kernel kernel;
    private final CallRunner runner;
    private final int abi;
    private final List<String> read;
    private final HostFolders folders;
    private Optional<TaskGroups> groups = TaskGroups.find();
    private final Set<JailStep> steps = EnumSet.allOf(JailStep.class);
    private boolean isRoot = ProcessStat.isRoot();
    private boolean countsAllOfUser;
    // A jail dies with the thread that started it, hence with this process: so one thread, which
    // lives as long as the jails, starts them all.
    private final ExecutorService starter =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("sandbox-starter").factory());

    /// @param read what every program may read
    /// @param folders where an episode's files lie if it can't have some alone
    Jails(Machine machine, List<String> read, HostFolders folders) throws IOException {
        this.kernel = new Kernel(machine);
        this.abi = kernel.landlockAbi();
        this.read = List.copyOf(read);
        this.folders = folders;
        this.runner = CallRunner.make(kernel);
        if (abi == 0) {
            steps.remove(JailStep.LANDLOCK);
        }
    }

    int abi() {
        return abi;
    }

    boolean takes(JailStep step) {
        return steps.contains(step);
    }

    /// No longer takes a step that the system refuses.
    void leaveOut(JailStep step) {
        steps.remove(step);
    }

    /// Takes a less usual way to a step that the system refuses, or leaves it out.
    void avoid(JailStep step) {
        if (step == JailStep.NAMESPACES && isRoot) {
            isRoot = false; // in some containers root may do no more than others
        } else {
            leaveOut(step);
        }
    }

    /// Whether programs are another user than this process.
    boolean changesUser() {
        return isRoot && takes(JailStep.NAMESPACES);
    }

    /// What of the kernel limits the number of a program's processes and threads, if anything.
    Optional<String> taskLimit() {
        if (groups.isPresent()) {
            return Optional.of("a control group");
        }
        return takes(JailStep.TASKS) ? Optional.of("a limit of its user") : Optional.empty();
    }

    /// No longer limits tasks by what [#taskLimit] names, or otherwise if there is another way.
    void leaveOutTaskLimit() {
        if (groups.isPresent()) {
            groups.get().close();
            groups = Optional.empty();
        } else if (!countsAllOfUser) {
            countsAllOfUser = true; // older kernels count processes in and out of a namespace
        } else {
            leaveOut(JailStep.TASKS);
        }
    }

    /// An empty folder for the programs of an episode.
    ///
    /// @throws JailException if the system refuses namespaces
    WorkFolder folder(long disk) throws IOException, InterruptedException {
        if (!takes(JailStep.NAMESPACES)) {
            return folders.folder();
        }
        JailUser user = isRoot ? JailUser.unused() : JailUser.own();
        return WorkFolder.in(Spaces.make(kernel, launch(), user, disk, read));
    }

    /// Starts a command in a jail, with the usual limit of tasks.
    RunningProgram start(ProgramCommand command, WorkFolder work, SandboxConfig config, int most)
            throws IOException, InterruptedException {
        int tasks = Math.max(TASKS, 2 * config.processes());
        return start(command, work, config, most, tasks, calls -> become(calls, command, work));
    }

    /// Puts a program into a jail.
    ///
    /// @param most characters of output that are kept
    /// @param tasks processes and threads that the kernel is to allow
    /// @param last what is done in the jail in the end
    /// @throws IOException if no process can be started
    RunningProgram start(
            ProgramCommand command,
            WorkFolder work,
            SandboxConfig config,
            int most,
            int tasks,
            Consumer<JailCalls> last)
            throws IOException, InterruptedException {
        work.put(command.code());
        JailCalls calls = plan(command, work, config, tasks).calls(kernel.machine(), last);
        Process process = launch();
        var output = new ProgramOutput(most);
        boolean isStarted = false;
        try {
            if (groups.isPresent()) {
                groups.get().hold(process, tasks);
            }
            output.serve(process.getInputStream());
            calls.list().write(process.getOutputStream());
            isStarted = true;
        } finally {
            if (!isStarted) {
                end(process);
            }
        }
        return new RunningProgram(process, output, work, calls::exit, () -> end(process));
    }

    private JailPlan plan(
            ProgramCommand command, WorkFolder work, SandboxConfig config, int tasks) {
        long others = countsAllOfUser || work.spaces().isEmpty() ? ProcessStat.tasksOfUser() : 0;
        return new JailPlan(
                steps,
                abi,
                work,
                read,
                command.code(),
                new JailPlan.Limits(
                        config.memory(),
                        config.memory() + (command.isJvm() ? JVM_ADDRESSES : 0),
                        config.disk(),
                        SECONDS,
                        others + tasks,
                        config.processes() > 1));
    }

    private static void become(JailCalls calls, ProgramCommand command, WorkFolder work) {
        CallList list = calls.list();
        calls.need(
                JailStep.EXEC,
                "execve",
                command.command().getFirst(),
                list.texts(command.command()),
                list.texts(environment(command, work)));
    }

    static List<String> environment(ProgramCommand command, WorkFolder work) {
        Map<String, String> all = new TreeMap<>();
        all.put("PATH", "/usr/local/bin:/usr/bin:/bin");
        all.put("HOME", work.path().toString());
        all.put("TMPDIR", work.temporary().toString());
        all.put("LANG", "C.UTF-8");
        all.putAll(command.environment());
        return all.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
    }

    /// A process that waits for what to do.
    Process launch() throws IOException, InterruptedException {
        var builder = new ProcessBuilder(runner.path());
        builder.environment().clear();
        try {
            return starter.submit(builder::start).get();
        } catch (ExecutionException e) {
            throw new IOException("no jail can be started: " + e.getCause().getMessage(), e);
        } catch (RejectedExecutionException e) {
            throw new IOException("the sandbox is closed", e);
        }
    }

    /// All processes of a jail end with the first of their namespace. Without one they are a group
    /// that they can't leave.
    private void end(Process process) {
        // Between the end of its last process and here the number may be given anew, but not to a
        // group, unless all other numbers were used up meanwhile.
        if (takes(JailStep.SESSION) && !takes(JailStep.NAMESPACES)) {
            kernel.killGroup(process.pid());
        }
        endTree(process);
    }

    /// Ends a process and those that it started. Not by [Process#destroyForcibly], which also
    /// closes the output that is still to be read.
    static void endTree(Process process) {
        List<ProcessHandle> started = process.descendants().toList();
        started.forEach(ProcessHandle::destroyForcibly);
        if (process.isAlive()) {
            process.toHandle().destroyForcibly();
        }
    }

    @Override
    public void close() {
        starter.shutdown();
        groups.ifPresent(TaskGroups::close);
        runner.close();
    }
}
