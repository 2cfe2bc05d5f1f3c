package org.attune.auto;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Tables of `tables.txt`, which says what each is to be taken for.
final class Corpus {
    /// Share of tables that may be asked about although they could be mapped.
    static final double ASKED = 0.1;

    private Corpus() {}

    /// A table and what it is.
    record Case(String name, String extension, String encoding, String expected, String text) {
        Path write(Path folder) throws IOException {
            boolean mark = encoding.equals("utf-8-sig");
            Charset charset = mark ? StandardCharsets.UTF_8 : Charset.forName(encoding);
            byte[] bytes = ((mark ? "\uFEFF" : "") + text).getBytes(charset);
            return Files.write(folder.resolve(name + "." + extension), bytes);
        }
    }

    /// What became of tables: those asked about and those mapped wrong by name.
    record Result(int right, List<String> asked, List<String> wrong) {
        Result() {
            this(0, new ArrayList<>(), new ArrayList<>());
        }

        /// The result with one more table.
        Result with(String name, String found, String expected) {
            boolean asks = !isMapped(found);
            if (!asks && !found.equals(expected)) {
                wrong.add(name + ": " + found + ", expected " + expected);
            } else if (asks && isMapped(expected)) {
                asked.add(name);
            }
            return new Result(right + (asks || !found.equals(expected) ? 0 : 1), asked, wrong);
        }

        private static boolean isMapped(String mapping) {
            return !mapping.startsWith("UNCLEAR") && !mapping.startsWith("REFUSED");
        }
    }

    static List<Case> cases() throws IOException {
        String all;
        try (var in = Corpus.class.getResourceAsStream("tables.txt")) {
            all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<Case> cases = new ArrayList<>();
        for (String part : all.split("(?m)^=== ")) {
            if (!part.isBlank()) {
                int end = part.indexOf('\n');
                String[] head = part.substring(0, end).split(" \\| ");
                String text = part.substring(end + 1);
                cases.add(new Case(head[0], head[1], head[2], expected(head[3]), text));
            }
        }
        return cases;
    }

    private static String expected(String text) {
        String[] words = text.split(" (?=\\w+=)");
        return words[0] + " " + new TreeSet<>(List.of(words).subList(1, words.length));
    }

    /// The mapping of a file in a word and its columns.
    static String shown(Path file) {
        try {
            TableMapping mapping = MappingGuess.of(TableReader.read(file), Set.of());
            return shown(mapping.kind(), mapping.columns());
        } catch (UnclearTableException e) {
            return "UNCLEAR []";
        } catch (DatasetException e) {
            return "REFUSED []";
        }
    }

    static String shown(TableMapping.Kind kind, Map<ColumnRole, List<String>> columns) {
        Set<String> words = new TreeSet<>();
        columns.forEach((role, names) -> names.forEach(n -> words.add(role.key() + "=" + n)));
        return kind + " " + words;
    }
}
