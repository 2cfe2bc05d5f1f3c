package org.attune.auto;

import org.attune.datasets.rows.DelimitedRecords;
import org.attune.datasets.rows.DelimitedRecords.Dialect;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Records of delimited text: fields quoted or not, with line breaks in quotes. Knows nothing of
/// headers.
///
/// @param dialect by which it was read
/// @param records fields by record, blank lines left out
/// @param lines in which each record begins, from 1
/// @param faults where a quote was opened and never closed, or text follows its end; what was read
///     there is wrong
record DelimitedText(
        Dialect dialect, List<List<String>> records, List<Integer> lines, List<Fault> faults) {
    /// A record that isn't right.
    ///
    /// @param record its place, from 0
    /// @param line of the fault, from 1
    record Fault(int record, long line) {}

    private static final char[] DELIMITERS = {',', ';', '\t', '|'};
    private static final int PROBED = 1 << 18;
    private static final int MOST_TITLES = 5;

    /// A character that no text has: quotes are then like any other.
    private static final char NO_QUOTE = '\uFFFF';

    /// Reads text by the delimiter under which its records have the same number of fields.
    /// Backslashes before quotes, single quotes around fields, and quotes that mean nothing are
    /// tried where double quotes don't explain the text.
    ///
    /// @param stated the delimiter that the file itself names
    static DelimitedText of(String text, Optional<Character> stated) {
        String start = text.substring(0, Math.min(text.length(), PROBED));
        DelimitedText read = read(text, best(start, stated, '"', false));
        if (!read.faults().isEmpty()) {
            DelimitedText escaped = read(text, best(start, stated, '"', true));
            read = escaped.faults().isEmpty() ? escaped : read;
        }
        if (text.stripLeading().startsWith("'")) {
            DelimitedText single = read(text, best(start, stated, '\'', false));
            boolean better = !read.faults().isEmpty() || single.fit() > read.fit();
            read = single.faults().isEmpty() && better ? single : read;
        }
        if (!read.faults().isEmpty()) {
            DelimitedText plain = read(text, best(start, stated, NO_QUOTE, false));
            read = plain.isRegular() ? plain.unwrapped() : read;
        }
        return read;
    }

    /// Whether all records have as many fields as the first, and more than one, and no quote opens
    /// a field that doesn't close it.
    private boolean isRegular() {
        int width = records.isEmpty() ? 0 : records.getFirst().size();
        return width > 1
                && records.stream().allMatch(r -> r.size() == width)
                && records.stream()
                        .flatMap(List::stream)
                        .allMatch(f -> !f.startsWith("\"") || quotes(f) % 2 == 0);
    }

    private static long quotes(String field) {
        return field.chars().filter(c -> c == '"').count();
    }

    /// Removes the quotes around whole fields.
    private DelimitedText unwrapped() {
        List<List<String>> plain = new ArrayList<>();
        for (List<String> record : records) {
            plain.add(
                    record.stream()
                            .map(f -> quotes(f) == 2 && f.matches("(?s)\".*\"") ? inner(f) : f)
                            .toList());
        }
        return new DelimitedText(dialect, plain, lines, faults);
    }

    private static String inner(String field) {
        return field.substring(1, field.length() - 1);
    }

    /// Whether a record was cut or swollen by a quote that doesn't belong there, or is the rest of
    /// such a one's last line.
    boolean isFaulty(int record) {
        return faults.stream()
                .anyMatch(
                        fault ->
                                fault.record() == record
                                        || fault.record() == record - 1
                                                && lines.get(record) == fault.line());
    }

    /// Lines from a record to the next, at least one.
    int height(int record) {
        int next = record + 1 < lines.size() ? lines.get(record + 1) : 0;
        return Math.max(1, next - lines.get(record));
    }

    private static Dialect best(
            String start, Optional<Character> stated, char quote, boolean escapes) {
        if (stated.isPresent()) {
            return new Dialect(stated.get(), quote, escapes);
        }
        var best = new Dialect(',', quote, escapes);
        double most = 0;
        for (char delimiter : DELIMITERS) {
            var dialect = new Dialect(delimiter, quote, escapes);
            double fit = read(start, dialect).fit();
            if (fit > most + 1e-9) {
                most = fit;
                best = dialect;
            }
        }
        return best;
    }

    /// How well the delimiter fits: the share of records that have as many fields as most, more for
    /// more fields; 0 for a single field. A blank behind most delimiters speaks for prose.
    private double fit() {
        if (records.isEmpty()) {
            return 0;
        }
        var counts = new TreeMap<Integer, Integer>();
        int judged = Math.max(1, records.size() == 1 ? 1 : records.size() - 1); // the last is cut
        records.subList(0, judged).forEach(r -> counts.merge(r.size(), 1, Integer::sum));
        int usual =
                counts.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
        if (usual < 2 || records.get(Math.min(titles(), records.size() - 1)).size() != usual) {
            return 0;
        }
        double share = counts.get(usual) / (double) judged;
        long further = 0;
        long spaced = 0;
        for (List<String> record : records.subList(0, judged)) {
            further += record.size() - 1;
            spaced += record.stream().skip(1).filter(f -> f.startsWith(" ")).count();
        }
        return share * share
                + Math.min(usual, 20) * 1e-3
                - (spaced > 0.5 * further ? 0.3 : 0)
                - (faults.isEmpty() ? 0 : 0.05);
    }

    /// How many records at the beginning are titles over the table: one field with text, the first,
    /// or none.
    int titles() {
        int titles = 0;
        while (titles < Math.min(MOST_TITLES, records.size() - 2)
                && (isTitle(records.get(titles)) || isCount(titles))) {
            titles++;
        }
        boolean wide = records.stream().skip(titles).limit(3).noneMatch(DelimitedText::isTitle);
        return wide ? titles : 0;
    }

    /// Whether a spreadsheet's own names, as `Column1`, stand above known ones.
    private boolean isCount(int record) {
        return records.get(record).stream().allMatch(f -> f.strip().matches("(?i)column ?\\d+"))
                && records.get(record + 1).stream().allMatch(ColumnWords::isKnown);
    }

    private static boolean isTitle(List<String> record) {
        return record.stream().skip(1).allMatch(String::isBlank);
    }

    private static DelimitedText read(String text, Dialect dialect) {
        List<List<String>> records = new ArrayList<>();
        List<Integer> lines = new ArrayList<>();
        var faults = new ArrayList<Fault>();
        try {
            var reader =
                    new DelimitedRecords(
                            new StringReader(text),
                            dialect,
                            true,
                            (at, _) -> faults.add(new Fault(records.size(), at)));
            while (true) {
                int line = Math.toIntExact(reader.line());
                List<String> record = reader.next();
                if (record == null) {
                    break;
                }
                if (record.size() > 1 || !record.getFirst().isBlank()) {
                    records.add(record);
                    lines.add(line);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("a text can't be read", e);
        }
        return new DelimitedText(dialect, records, lines, faults);
    }
}
