package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Runs programs that a model wrote. On Linux each runs in a jail: files, processes and network of
/// its episode alone, Landlock, a filter of calls, limits of the kernel, no privileges, an empty
/// environment. What that keeps on this machine is found out at the start, by calls that try to
/// get out. It protects from a model's accidents and from reward hacking. It is no virtual
/// machine: it does not protect from faults of the kernel.
///
/// Elsewhere a program is a separate process with an empty environment, and nothing is
/// guaranteed. Thread-safe.
@Api(EXPERIMENTAL)
public final class Sandbox implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Sandbox.class);
    private static final List<String> SYSTEM =
            List.of(
                    "/usr",
                    "/bin",
                    "/sbin",
                    "/lib",
                    "/lib64",
                    "/lib32",
                    "/nix/store",
                    "/etc/ld.so.cache",
                    "/etc/alternatives",
                    "/etc/localtime");

    private final SandboxConfig config;
    private final Guarantees guarantees;
    private final HostFolders folders;
    private final Optional<Jails> jails;
    private final Optional<ProgramWatch> watch;

    private Sandbox(
            SandboxConfig config,
            Guarantees guarantees,
            HostFolders folders,
            Optional<Jails> jails) {
        this.config = config;
        this.guarantees = guarantees;
        this.folders = folders;
        this.jails = jails;
        this.watch = jails.map(j -> new ProgramWatch(config));
    }

    /// Finds out what can be guaranteed, which takes a moment, and logs it: as a warning where
    /// something can't.
    ///
    /// @throws ConfigException if less can be guaranteed than is required
    /// @throws InterruptedException if the caller is to stop
    public static Sandbox open(SandboxConfig config) throws InterruptedException {
        return open(config, Set.of());
    }

    /// Opens a sandbox as on a system that refuses some steps.
    static Sandbox open(SandboxConfig config, Set<JailStep> without) throws InterruptedException {
        Sandbox sandbox = probed(config, without);
        try {
            sandbox.guarantees.require(config.require());
        } catch (ConfigException e) {
            sandbox.close();
            throw e;
        }
        String line = sandbox.guarantees.line();
        if (sandbox.guarantees.holdAll()) {
            log.info("sandbox: {}", line);
        } else {
            log.warn(
                    "sandbox: programs that a model writes are not kept in: {}. {}",
                    line,
                    sandbox.guarantees.advice(Guarantee.all()));
        }
        sandbox.warnOfUnreadable();
        return sandbox;
    }

    private void warnOfUnreadable() {
        if (jails.isEmpty() || !jails.get().changesUser()) {
            return;
        }
        for (Path path : config.read()) {
            try {
                int needed = Files.isDirectory(path) ? 5 : 4; // for others: r-x, r--
                int rights = (Integer) Files.getAttribute(path, "unix:mode");
                if ((rights & needed) != needed) {
                    log.warn(
                            "sandbox: programs are another user than root, to whom {} is not"
                                    + " readable; chmod -R o+rX makes it so",
                            path);
                }
            } catch (IOException e) {
                log.warn("sandbox: {} can't be read: {}", path, e.toString());
            }
        }
    }

    private static Sandbox probed(SandboxConfig config, Set<JailStep> without)
            throws InterruptedException {
        HostFolders folders = folders();
        Optional<Machine> machine = Machine.here();
        if (machine.isEmpty()) {
            String reason =
                    "no jails on %s %s; Linux on x86-64 or aarch64 has them"
                            .formatted(
                                    System.getProperty("os.name"), System.getProperty("os.arch"));
            return new Sandbox(
                    config, Guarantees.none(reason, List.of()), folders, Optional.empty());
        }
        Jails jails = null;
        boolean isReady = false;
        try {
            jails = new Jails(machine.get(), readable(config), folders);
            without.forEach(jails::leaveOut);
            Guarantees guarantees = new SandboxProbe(jails).run(config);
            isReady = true;
            return new Sandbox(config, guarantees, folders, Optional.of(jails));
        } catch (IOException | IllegalStateException e) {
            log.debug("no jails", e);
            String reason = "no program can be put into a jail: " + e.getMessage();
            List<String> remedies =
                    e.getCause() instanceof JailException refusal
                            ? List.of(new Remedies().of(refusal.step()))
                            : List.of();
            Guarantees none = Guarantees.none(reason, remedies);
            return new Sandbox(config, none, folders, Optional.empty());
        } finally {
            if (jails != null && !isReady) {
                jails.close();
            }
        }
    }

    private static HostFolders folders() {
        try {
            return HostFolders.make();
        } catch (IOException e) {
            throw new ConfigException(
                    "the sandbox can make no folder among the temporary files: "
                            + e.getMessage()
                            + "; another place for them is set by -Djava.io.tmpdir",
                    e);
        }
    }

    private static List<String> readable(SandboxConfig config) {
        List<String> read = new ArrayList<>(SYSTEM);
        read.add(System.getProperty("java.home"));
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(Path.of("/etc"), "java*")) {
            folders.forEach(folder -> read.add(folder.toString()));
        } catch (IOException | UncheckedIOException e) {
            log.debug("/etc can't be listed", e);
        }
        config.read().forEach(path -> read.add(path.toAbsolutePath().toString()));
        return read;
    }

    /// What holds on this machine.
    public Guarantees guarantees() {
        return guarantees;
    }

    /// The limits of programs.
    public SandboxConfig config() {
        return config;
    }

    /// An empty folder for the programs of an episode, which sees nothing of others.
    ///
    /// @throws IOException if it can't be made
    /// @throws InterruptedException if the caller is to stop
    public WorkFolder folder() throws IOException, InterruptedException {
        if (jails.isEmpty()) {
            return folders.folder();
        }
        try {
            return jails.get().folder(config.disk());
        } catch (JailException e) {
            throw new IOException("an episode's files can't be made: " + e.getMessage(), e);
        }
    }

    /// Starts a program. Both of its outputs go into one.
    ///
    /// @param work where it starts, and what it may write
    /// @param mostOutput characters of output that are kept
    /// @throws IOException if it can't be started: the world's failure
    /// @throws InterruptedException if the caller is to stop
    public RunningProgram start(ProgramCommand command, WorkFolder work, int mostOutput)
            throws IOException, InterruptedException {
        if (jails.isEmpty()) {
            return plainProcess(command, work, mostOutput);
        }
        RunningProgram program = jails.get().start(command, work, config, mostOutput);
        watch.get().add(program);
        return program;
    }

    private static RunningProgram plainProcess(ProgramCommand command, WorkFolder work, int most)
            throws IOException {
        work.put(command.code());
        var builder =
                new ProcessBuilder(command.command())
                        .directory(work.path().toFile())
                        .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        String path = environment.get("PATH");
        environment.clear();
        for (String variable : Jails.environment(command, work)) {
            int at = variable.indexOf('=');
            environment.put(variable.substring(0, at), variable.substring(at + 1));
        }
        if (path != null) {
            environment.put("PATH", path);
        }
        Process process = builder.start();
        var output = new ProgramOutput(most);
        output.serve(process.getInputStream());
        return new RunningProgram(
                process, output, work, (reported, exit) -> exit, () -> Jails.endTree(process));
    }

    /// Ends what still runs.
    @Override
    public void close() {
        watch.ifPresent(ProgramWatch::close);
        jails.ifPresent(Jails::close);
        folders.close();
    }
}
