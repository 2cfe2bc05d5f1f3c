package org.attune.datasets.sniff;

import org.attune.datasets.rows.DelimitedRecords;
import org.attune.error.DatasetException;

import java.io.IOException;
import java.io.StringReader;
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
/// @param faults lines in which a quote was opened and never closed, or text follows its end
record DelimitedText(
        char delimiter, List<List<String>> records, List<Integer> lines, List<Long> faults) {
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
        if (!read.faults().isEmpty()) {
            throw new DatasetException(
                    "%s:%d: a quote is opened and not closed, or text follows a closing quote; write a quote inside a field twice"
                            .formatted(file, read.faults().getFirst()));
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
        return share * share + Math.min(usual, 20) * 1e-3 - (faults.isEmpty() ? 0 : 0.05);
    }

    private static DelimitedText read(String text, char delimiter) {
        List<List<String>> records = new ArrayList<>();
        List<Integer> lines = new ArrayList<>();
        var faults = new ArrayList<Long>();
        try {
            var reader =
                    new DelimitedRecords(
                            new StringReader(text), delimiter, true, (at, _) -> faults.add(at));
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
        return new DelimitedText(delimiter, records, lines, faults);
    }
}
