package org.attune.datasets.sniff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Tables as people have them; `tables.txt` says what each is to be taken for.
class MappingGuessTest {
    @TempDir Path folder;

    /// A table and what it is.
    private record Case(
            String name, String extension, String encoding, String expected, String text) {}

    private static List<Case> cases() throws IOException {
        String all;
        try (var in = MappingGuessTest.class.getResourceAsStream("tables.txt")) {
            all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<Case> cases = new ArrayList<>();
        for (String part : all.split("(?m)^=== ")) {
            if (!part.isBlank()) {
                int end = part.indexOf('\n');
                String[] head = part.substring(0, end).split(" \\| ");
                cases.add(new Case(head[0], head[1], head[2], head[3], part.substring(end + 1)));
            }
        }
        return cases;
    }

    private Path file(Case one) throws IOException {
        boolean mark = one.encoding().equals("utf-8-sig");
        String text = (mark ? "\uFEFF" : "") + one.text();
        Charset charset = mark ? StandardCharsets.UTF_8 : Charset.forName(one.encoding());
        return Files.write(
                folder.resolve(one.name() + "." + one.extension()), text.getBytes(charset));
    }

    private static String shown(Path file) {
        try {
            TableMapping mapping = MappingGuess.of(TableReader.read(file), Set.of());
            Set<String> words = new TreeSet<>();
            mapping.columns()
                    .forEach((role, names) -> names.forEach(n -> words.add(role.key() + "=" + n)));
            return mapping.kind() + " " + words;
        } catch (UnclearTableException e) {
            return "UNCLEAR []";
        } catch (DatasetException e) {
            return "REFUSED []";
        }
    }

    private static String expected(Case one) {
        String[] words = one.expected().split(" (?=\\w+=)");
        return words[0] + " " + new TreeSet<>(List.of(words).subList(1, words.length));
    }

    @Tag("thorough")
    @Test
    void tablesAreTakenForWhatTheyAre() throws IOException {
        List<Case> cases = cases();
        List<String> wrong = new ArrayList<>();
        for (Case one : cases) {
            String found = shown(file(one));
            if (!found.equals(expected(one))) {
                wrong.add(one.name() + ": " + found + ", expected " + expected(one));
            }
        }
        System.out.println(cases.size() + " tables");
        assertTrue(cases.size() >= 40);
        assertEquals(List.of(), wrong);
    }

    @Test
    void textsOfManyBarsAreRead() throws IOException {
        String bars = "| a cell of a drawn table ".repeat(6000);
        Path file = folder.resolve("bars.csv");
        Files.writeString(file, "doc\n" + "\"%s\"\n".formatted(bars).repeat(12));
        assertEquals("UNCLEAR []", shown(file)); // lists of something, by their bars
    }
}
