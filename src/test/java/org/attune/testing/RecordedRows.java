package org.attune.testing;

import com.fasterxml.jackson.databind.JsonNode;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Which rows of a data set a recording was made with, in the words of the recording:
/// `alpaca_en_demo.json[0:+12]`, `dpo_en_demo.json rows [134, 80]`, or
/// `the first 8 of the rows in nll.json`, another recording beside it.
///
/// @param file a file of the data folder
/// @param rows from 0, in the order of the recording
public record RecordedRows(String file, int[] rows) {
    private static final Pattern RANGE = Pattern.compile("(\\S+)\\[(\\d+):\\+(\\d+)]");
    private static final Pattern LIST = Pattern.compile("(\\S+) rows \\[([\\d, ]+)].*");
    private static final Pattern FIRST =
            Pattern.compile("the first (\\d+) of the rows in (\\S+).*");

    /// @param recording a JSON file whose `data` or `rows` names the rows
    /// @throws AssertionError if that has none of the three forms
    public static RecordedRows of(Path recording) {
        JsonNode json = Recorded.json(recording);
        String words = json.path("data").asText(json.path("rows").asText());
        Matcher range = RANGE.matcher(words);
        if (range.matches()) {
            int from = Integer.parseInt(range.group(2));
            int count = Integer.parseInt(range.group(3));
            return new RecordedRows(range.group(1), IntStream.range(from, from + count).toArray());
        }
        Matcher list = LIST.matcher(words);
        if (list.matches()) {
            int[] rows =
                    Arrays.stream(list.group(2).split(", *")).mapToInt(Integer::parseInt).toArray();
            return new RecordedRows(list.group(1), rows);
        }
        Matcher first = FIRST.matcher(words);
        if (first.matches()) {
            RecordedRows all = of(recording.resolveSibling(first.group(2)));
            int count = Integer.parseInt(first.group(1));
            if (count > all.rows.length) {
                throw new AssertionError(recording + " has " + count + " rows of " + all);
            }
            return new RecordedRows(all.file, Arrays.copyOf(all.rows, count));
        }
        throw new AssertionError(recording + " doesn't say its rows in a known form: " + words);
    }
}
