package org.attune.tensor.vector;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.reflect.Method;

/// The module of the Vector API, in which kernels are written. With `--add-modules` the JVM has it
/// from the beginning, and says at every start that it is incubating. The launcher exports the
/// JVM's own loader of modules instead (`--add-exports java.base/jdk.internal.module`): then the
/// module is loaded at the first use, as the JVM itself loads those of agents, and a command
/// without kernels starts sooner.
public final class VectorModule {
    private static final Logger LOG = LoggerFactory.getLogger(VectorModule.class);

    private static final String NAME = "jdk.incubator.vector";
    private static final String LOADER = "jdk.internal.module";
    private static final String COMMANDS = "com.sun.management.internal.";

    /// A file of compiler directives. Read from the option `-XX:CompilerDirectivesFile`, the JVM
    /// prints that it has read them; asked for by a diagnostic command, it returns that.
    private static final String DIRECTIVES = "attune.directives";

    private VectorModule() {}

    /// Loads the module if it isn't there, and gives the compilers their directives, of which they
    /// must know before they see a kernel.
    ///
    /// @return whether it is there, and its operations become the processor's
    public static boolean load() {
        String mode = System.getProperty("java.vm.info", "");
        if (mode.contains("emulated-client") || mode.contains("interpreted")) {
            LOG.info(
                    "this JVM has no optimizing compiler ({}), which kernels need: operators do"
                            + " their work; start it without -XX:TieredStopAtLevel and -Xint",
                    mode);
            return false;
        }
        boolean there = ModuleLayer.boot().findModule(NAME).isPresent() || loadNow();
        String directives = System.getProperty(DIRECTIVES);
        if (there && directives != null) {
            direct(directives);
        }
        return there;
    }

    private static boolean loadNow() {
        Module base = Object.class.getModule();
        if (!base.isExported(LOADER, VectorModule.class.getModule())) {
            return false; // a program that does without
        }
        try {
            Class.forName(LOADER + ".Modules")
                    .getMethod("loadModule", String.class)
                    .invoke(null, NAME);
            return true;
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            LOG.warn(
                    "this JVM doesn't load the module {}: {}; steps on a processor are several"
                            + " times slower; start it with --add-modules {}",
                    NAME,
                    e,
                    NAME);
            return false;
        }
    }

    private static void direct(String file) {
        String answer;
        try {
            answer = command("Compiler.directives_add \"" + file + "\"");
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            answer = e.toString();
        }
        if (!answer.strip().endsWith("compiler directives added")) {
            LOG.warn(
                    "this JVM's compilers don't take the directives in {}: {}; kernels are compiled"
                            + " more slowly; start it with -XX:CompilerDirectivesFile={}",
                    file,
                    answer.strip(),
                    file);
        }
    }

    /// What `jcmd` does from outside. The public way, through the server of management beans, would
    /// take a tenth of a second.
    private static String command(String line) throws ReflectiveOperationException {
        Class.forName(COMMANDS + "PlatformMBeanProviderImpl"); // loads the native library
        Class<?> commands = Class.forName(COMMANDS + "DiagnosticCommandImpl");
        Method instance = commands.getDeclaredMethod("getDiagnosticCommandMBean");
        Method execute = commands.getDeclaredMethod("executeDiagnosticCommand", String.class);
        instance.setAccessible(true);
        execute.setAccessible(true);
        return (String) execute.invoke(instance.invoke(null), line);
    }
}
