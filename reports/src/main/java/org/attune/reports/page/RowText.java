package org.attune.reports.page;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The text of a row that a run knows by file and line, as the file has it now.
final class RowText {
    private static final Pattern LINE = Pattern.compile("(.+\\.jsonl):(\\d+)");

    /// Rows beyond this line aren't looked for: a page is no reason to read a large file.
    private static final int FARTHEST = 50_000;

    private RowText() {}

    /// @param where as in `heldout.jsonl`
    /// @return empty if it is no line of JSON lines, or isn't there any more
    static Optional<String> of(String where) {
        Matcher line = LINE.matcher(where);
        if (!line.matches() || line.group(2).length() > 6) {
            return Optional.empty();
        }
        int number = Integer.parseInt(line.group(2));
        Path file = Path.of(line.group(1));
        if (number > FARTHEST || !Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (int i = 1; i < number; i++) {
                if (lines.readLine() == null) {
                    return Optional.empty();
                }
            }
            return Optional.ofNullable(lines.readLine()).map(RecordedRounds::cut);
        } catch (IOException e) {
            return Optional.empty(); // gone, or by now another file than the run read
        }
    }
}
