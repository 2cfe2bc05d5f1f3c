package org.attune.datasets.sniff;

import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Records of delimited text: fields quoted or not, with line breaks in quotes. Knows nothing of
/// headers.
///
/// @param delimiter between fields
/// @param records fields by record, blank lines left out
/// @param lines in which each record begins, from 1
/// @param broken whether a quote was opened and never closed, or text follows one that closes
record DelimitedText(
        char delimiter, List<List<String>> records, List<Integer> lines, boolean broken) {
    private static final char[] DELIMITERS = {',', ';', '\t', '|'};
    private static final int PROBED = 1 << 18;

    /// Reads text by the delimiter under which its records have the same number of fields.
    ///
    /// @param file for messages
    /// @throws DatasetException if a quote is never closed
    static DelimitedText of(String file, String text) {
        String start = text.substring(0, Math.min(text.length(), PROBED));
        char best = ',';
        double most = 0;
        for (char delimiter : DELIMITERS) {
            double fit = read(start, delimiter).fit();
            if (fit > most + 1e-9) {
                most = fit;
                best = delimiter;
            }
        }
        DelimitedText read = read(text, best);
        if (read.broken()) {
            throw new DatasetException(
                    "%s:%d: a quote is opened and not closed, or text follows a closing quote; write a quote inside a field twice"
                            .formatted(file, read.lines().isEmpty() ? 1 : read.lines().getLast()));
        }
        return read;
    }

    /// How well the delimiter fits: the share of records that have as many fields as most, more for
    /// more fields; 0 for a single field.
    private double fit() {
        if (records.isEmpty()) {
            return 0;
        }
        var counts = new TreeMap<Integer, Integer>();
        int judged = Math.max(1, records.size() == 1 ? 1 : records.size() - 1); // the last is cut
        records.subList(0, judged).forEach(r -> counts.merge(r.size(), 1, Integer::sum));
        int usual =
                counts.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
        if (usual < 2 || records.getFirst().size() != usual) {
            return 0;
        }
        double share = counts.get(usual) / (double) judged;
        return share * share + Math.min(usual, 20) * 1e-3 - (broken ? 0.05 : 0);
    }

    private static DelimitedText read(String text, char delimiter) {
        var reader = new Reader(text, delimiter);
        List<List<String>> records = new ArrayList<>();
        List<Integer> lines = new ArrayList<>();
        while (reader.at < text.length()) {
            int line = reader.line;
            List<String> record = reader.record();
            if (record.size() > 1 || !record.getFirst().isBlank()) {
                records.add(record);
                lines.add(line);
            }
        }
        return new DelimitedText(delimiter, records, lines, reader.broken);
    }

    /// A place in a text.
    private static final class Reader {
        private final String text;
        private final char delimiter;
        private int at;
        private int line = 1;
        private boolean broken;

        Reader(String text, char delimiter) {
            this.text = text;
            this.delimiter = delimiter;
        }

        List<String> record() {
            List<String> fields = new ArrayList<>();
            while (true) {
                fields.add(field());
                if (at < text.length() && text.charAt(at) == delimiter) {
                    at++;
                    continue;
                }
                endLine();
                return fields;
            }
        }

        private void endLine() {
            if (at < text.length() && text.charAt(at) == '\r') {
                at++;
            }
            if (at < text.length() && text.charAt(at) == '\n') {
                at++;
            }
            line++;
        }

        private String field() {
            int start = at;
            while (start < text.length()
                    && text.charAt(start) == ' '
                    && start + 1 < text.length()) {
                start++;
            }
            if (start < text.length() && text.charAt(start) == '"') {
                at = start + 1;
                return quoted();
            }
            int end = at;
            while (end < text.length() && !endsField(text.charAt(end))) {
                end++;
            }
            String field = text.substring(at, end);
            at = end;
            return field;
        }

        private boolean endsField(char c) {
            return c == delimiter || c == '\n' || c == '\r';
        }

        private String quoted() {
            var field = new StringBuilder();
            while (at < text.length()) {
                char c = text.charAt(at++);
                if (c == '\n') {
                    line++;
                }
                if (c != '"') {
                    field.append(c);
                } else if (at < text.length() && text.charAt(at) == '"') {
                    field.append('"');
                    at++;
                } else {
                    skipBlanks();
                    return field.toString();
                }
            }
            broken = true;
            return field.toString();
        }

        private void skipBlanks() {
            int end = at;
            while (end < text.length() && text.charAt(end) == ' ') {
                end++;
            }
            if (end == text.length() || endsField(text.charAt(end))) {
                at = end;
            } else {
                broken = true;
            }
        }
    }
}
