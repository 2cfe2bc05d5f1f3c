package org.attune.agents.sandbox;

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

/// Runs programs that a model wrote. On Linux each runs in a jail: Landlock, seccomp, limits of
/// the kernel, no privileges, an empty environment. What that keeps on this machine is found
/// out at the start, by programs that try to get out. It protects from a model's accidents and
/// from reward hacking. It is no virtual machine: it does not protect from faults of the kernel.
///
/// Elsewhere a program is a separate process with an empty environment, and nothing is
/// guaranteed. Thread-safe.
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
    private final Optional<Jails> jails;
    private final Optional<ProgramWatch> watch;
    private final List<String> read;

    private Sandbox(
            SandboxConfig config, Guarantees guarantees, Optional<Jails> jails, List<String> read) {
        this.config = config;
        this.guarantees = guarantees;
        this.jails = jails;
        this.watch = jails.map(j -> new ProgramWatch(config));
        this.read = read;
    }

    /// Finds out what can be guaranteed, which takes about a second, and logs it.
    ///
    /// @throws ConfigException if less can be guaranteed than is required
    /// @throws InterruptedException if the caller is to stop
    public static Sandbox open(SandboxConfig config) throws InterruptedException {
        Sandbox sandbox = probed(config);
        log.info("sandbox: {}", sandbox.guarantees.line());
        try {
            sandbox.guarantees.require(config.require());
        } catch (ConfigException e) {
            sandbox.close();
            throw e;
        }
        return sandbox;
    }

    private static Sandbox probed(SandboxConfig config) throws InterruptedException {
        Optional<Machine> machine = Machine.here();
        if (machine.isEmpty()) {
            return plain(
                    config,
                    "no jails on %s %s; Linux on x86-64 or aarch64 has them"
                            .formatted(
                                    System.getProperty("os.name"), System.getProperty("os.arch")));
        }
        Jails jails = null;
        boolean isReady = false;
        try {
            List<String> read = readable(config);
            jails = new Jails(machine.get());
            Guarantees guarantees = new SandboxProbe(jails, read).run(config);
            isReady = true;
            return new Sandbox(config, guarantees, Optional.of(jails), read);
        } catch (IOException | IllegalStateException e) {
            log.debug("no jails", e);
            return plain(config, "no program can be put into a jail: " + e.getMessage());
        } finally {
            if (jails != null && !isReady) {
                jails.close();
            }
        }
    }

    private static Sandbox plain(SandboxConfig config, String reason) {
        return new Sandbox(config, Guarantees.none(reason), Optional.empty(), List.of());
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

    /// Its limits.
    public SandboxConfig config() {
        return config;
    }

    /// Starts a program. Both of its outputs go into one.
    ///
    /// @param mostOutput characters of output that are kept
    /// @throws IOException if it can't be started: the world's failure
    /// @throws InterruptedException if the caller is to stop
    public RunningProgram start(ProgramCommand command, int mostOutput)
            throws IOException, InterruptedException {
        if (jails.isEmpty()) {
            return plainProcess(command, mostOutput);
        }
        List<String> may = new ArrayList<>(read);
        command.read().forEach(path -> may.add(path.toAbsolutePath().toString()));
        RunningProgram program = jails.get().start(command, config, may, Jails.mark(), mostOutput);
        watch.get().add(program);
        return program;
    }

    private static RunningProgram plainProcess(ProgramCommand command, int most)
            throws IOException {
        var builder =
                new ProcessBuilder(command.command())
                        .directory(command.work().toFile())
                        .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        String path = environment.get("PATH");
        environment.clear();
        for (String variable : Jails.environment(command)) {
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
                process, output, command.work(), Jails.mark(), () -> Jails.endTree(process));
    }

    /// Ends what still runs.
    @Override
    public void close() {
        watch.ifPresent(ProgramWatch::close);
        jails.ifPresent(Jails::close);
    }
}
