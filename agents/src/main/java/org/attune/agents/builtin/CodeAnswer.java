package org.attune.agents.builtin;

import org.attune.agents.sandbox.ProgramEnd;
import org.attune.agents.sandbox.WorkFolder;
import org.attune.agents.tool.ToolResult;

import java.io.IOException;
import java.util.concurrent.TimeoutException;

/// What a model reads of a program that ended.
final class CodeAnswer {
    /// Shown in place of the folders' names, which may be others in each run.
    private static final String FOLDER = "/episode";

    private static final String CODE = "/code";
    private static final int SIGNAL = 128;

    private final CodeConfig config;
    private final WorkFolder work;

    CodeAnswer(CodeConfig config, WorkFolder work) {
        this.config = config;
        this.work = work;
    }

    /// The output of a program, with a remark on how it ended where that isn't plain.
    ///
    /// @throws TimeoutException if it took too long
    ToolResult of(ProgramEnd end) throws IOException, TimeoutException {
        String output = output(end.output());
        if (end.limit().isPresent()) {
            return switch (end.limit().get()) {
                case TIME -> throw tooSlow(output);
                case MEMORY ->
                        remark(
                                output,
                                "ended: its processes took more than %d MiB together"
                                        .formatted(2 * config.sandbox().memory() >> 20));
                case PROCESSES ->
                        remark(
                                output,
                                "ended: it had more than %d processes, or too many threads"
                                        .formatted(config.sandbox().processes()));
                case DISK -> {
                    work.empty();
                    yield remark(
                            output,
                            "ended: its files took more than %d MiB; all files were deleted"
                                    .formatted(config.sandbox().disk() >> 20));
                }
            };
        }
        if (end.exit() > SIGNAL) {
            return remark(output, "ended by signal " + (end.exit() - SIGNAL));
        }
        if (end.exit() != 0) {
            return remark(output, "exit code " + end.exit());
        }
        return ok(output);
    }

    /// The answer to code that ended well.
    ToolResult ok(String output) {
        return new ToolResult.Ok(output.isBlank() ? "(no output)" : output);
    }

    /// What the program wrote, as a model reads it.
    String output(String written) {
        return written.replace(work.path().toString(), FOLDER)
                .replace(work.code().toString(), CODE)
                .strip();
    }

    private static ToolResult remark(String output, String remark) {
        return new ToolResult.Ok((output.isEmpty() ? "" : output + "\n") + "(" + remark + ")");
    }

    private TimeoutException tooSlow(String output) {
        String ended =
                "it ran longer than %s s and was ended"
                        .formatted(
                                config.timeout().toMillis() % 1000 == 0
                                        ? String.valueOf(config.timeout().toSeconds())
                                        : String.valueOf(config.timeout().toMillis() / 1000.0));
        return new TimeoutException(
                output.isEmpty() ? ended : ended + "; it had written:\n" + output);
    }
}
