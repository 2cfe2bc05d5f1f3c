package org.attune.cli.progress;

import org.attune.cli.command.SecretArguments;
import org.attune.trainers.loop.TrainingListener;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Knows how a run that was stopped goes on: with the same file and the same overrides, from its
/// newest checkpoint.
public final class ResumeHint implements TrainingListener {
    /// Set by the start script.
    private static final String PROGRAM = "attune.command";

    private static final Set<String> KEYS = Set.of("resume", "resume_from_checkpoint");
    private static final Pattern PLAIN = Pattern.compile("[\\w@%+=:,./~-]+");

    private final List<String> arguments;
    private boolean saved;
    private boolean resumed;

    /// @param arguments of the command line, the command first
    public ResumeHint(List<String> arguments) {
        this.arguments = SecretArguments.without(arguments);
    }

    @Override
    public void onResume(Path checkpoint) {
        resumed = true;
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        saved = true;
    }

    /// The last line of a run that was stopped.
    ///
    /// @param resumable whether it was to go on from a checkpoint, which it may not have reached
    public String text(boolean resumable) {
        if (saved) {
            return "to go on: " + command(withResume());
        }
        return resumed || resumable
                ? "nothing new was saved; to go on from the same checkpoint: " + command(arguments)
                : "nothing was saved yet, so there is no checkpoint to go on from; to begin anew: "
                        + command(arguments);
    }

    /// What to do about a run that ended otherwise.
    ///
    /// @param newest its newest checkpoint
    public String text(Optional<Path> newest) {
        return newest.map(c -> "last whole checkpoint: %s; to go on: ".formatted(c))
                        .orElse("no checkpoint was saved; to begin anew: ")
                + command(newest.isPresent() ? withResume() : arguments);
    }

    /// The arguments, with `resume=true` in the place of any other value of the key.
    private List<String> withResume() {
        List<String> others = new ArrayList<>(SecretArguments.without(KEYS, arguments));
        // An option also ends the list of values that one before it may take.
        boolean options = others.stream().anyMatch(a -> a.startsWith("--"));
        others.add(options ? "--resume=true" : "resume=true");
        return others;
    }

    /// How the user called the program.
    public static String program() {
        return System.getProperty(PROGRAM, "attune");
    }

    private static String command(List<String> arguments) {
        return quoted(program())
                + " "
                + String.join(" ", arguments.stream().map(ResumeHint::quoted).toList());
    }

    /// Quotes an argument so that a shell reads it as it is.
    private static String quoted(String argument) {
        return PLAIN.matcher(argument).matches()
                ? argument
                : "'" + argument.replace("'", "'\\''") + "'";
    }
}
