package org.attune.cli.command;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The command line that starts this program again in another process.
public final class OwnProgram {
    /// The class that starts the command line; packages below it can't name it.
    private static final String MAIN = "org.attune.cli.Main";

    private OwnProgram() {}

    /// Goes by the start script where one started this process, else as this JVM was started.
    ///
    /// @param arguments a command and what stands behind it
    public static List<String> words(List<String> arguments) {
        List<String> words = new ArrayList<>();
        String script = System.getProperty("attune.command", "");
        if (script.contains("/")) {
            words.add(Path.of(script).toAbsolutePath().normalize().toString());
        } else {
            words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            words.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
            words.addAll(List.of("-cp", System.getProperty("java.class.path")));
            words.add(MAIN);
        }
        words.addAll(arguments);
        return words;
    }
}
