package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.attune.files.AtomicFile;
import org.attune.files.BoundedLines;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/// Reads files of recorded completions.
public final class RecordedLines {
    private static final int LONGEST_LINE = 32 << 20;

    private RecordedLines() {}

    /// Takes the lines of a file.
    @FunctionalInterface
    interface Reader {
        /// @param number of the line, from 1
        void line(int number, RecordedCompletion completion);
    }

    /// All completions of a file, in its order.
    ///
    /// @param stopIds tokens that end a completion, where a line doesn't say how it ended
    /// @throws RolloutException naming file and line of what can't be read
    public static List<RecordedCompletion> all(Path file, Collection<Integer> stopIds) {
        List<RecordedCompletion> all = new ArrayList<>();
        read(file, stopIds, (_, completion) -> all.add(completion));
        return all;
    }

    /// @throws RolloutException naming file and line of what can't be read, if there is nothing,
    ///     or what the reader throws
    static void read(Path file, Collection<Integer> stopIds, Reader reader) {
        int number = 0;
        boolean any = false;
        try (var lines = new BoundedLines(Files.newBufferedReader(file))) {
            String line;
            while ((line = lines.next(LONGEST_LINE)) != null) {
                number++;
                if (lines.wasCut()) {
                    throw new RolloutException(
                            "the line has more than %d MiB".formatted(LONGEST_LINE >> 20));
                }
                if (!line.isBlank()) {
                    reader.line(number, RecordedCompletion.parse(line, stopIds));
                    any = true;
                }
            }
        } catch (RolloutException e) {
            throw new RolloutException("%s:%d: %s".formatted(file, number, e.getMessage()), e);
        } catch (NoSuchFileException e) {
            throw new RolloutException(file + ": there is no such file", e);
        } catch (CharacterCodingException e) {
            throw new RolloutException("%s:%d: not UTF-8".formatted(file, number + 1), e);
        } catch (IOException e) {
            throw new RolloutException(file + " can't be read: " + GivenText.reason(file, e), e);
        }
        if (!any) {
            throw new RolloutException(file + " holds no completions");
        }
    }

    /// Writes a whole file, or nothing.
    ///
    /// @throws RolloutException if it can't be written
    public static void write(Path file, List<RecordedCompletion> completions) {
        var text = new StringBuilder();
        completions.forEach(completion -> text.append(completion.line()).append('\n'));
        try {
            AtomicFile.writeText(file, text.toString());
        } catch (IOException e) {
            throw new RolloutException(file + " can't be written: " + e, e);
        }
    }
}
