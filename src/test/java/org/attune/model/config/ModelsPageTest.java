package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// `docs/models.md` has a row for each family that is read, and none for another.
final class ModelsPageTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));

    @Test
    void eachFamilyHasARowWithItsClass() throws IOException {
        Map<String, String> classes = new TreeMap<>();
        rows().forEach((type, row) -> classes.put(type, unquoted(row[3])));
        assertEquals(
                Families.TABLE.stream()
                        .collect(
                                Collectors.toMap(
                                        DecoderFamily::modelType,
                                        DecoderFamily::architecture,
                                        (a, _) -> a,
                                        TreeMap::new)),
                classes);
        assertTrue(
                Files.readString(ROOT.resolve("README.md"))
                        .contains(Families.TABLE.size() + " families"),
                "README.md gives another number of families than " + Families.TABLE.size());
    }

    @Test
    void eachGgufArchitectureStandsWithItsFamilies() throws IOException {
        Map<String, String[]> rows = rows();
        for (GgufFamily family : GgufFamilies.TABLE) {
            for (String type : family.modelTypes()) {
                assertTrue(
                        rows.get(type)[4].contains('`' + family.architecture() + '`'),
                        "%s isn't said to be read from files of %s"
                                .formatted(type, family.architecture()));
            }
        }
    }

    @Test
    void eachModelThatSeesHasARow() throws IOException {
        Set<String> types =
                lines().filter(row -> row.length == 4)
                        .map(row -> unquoted(row[2]))
                        .collect(Collectors.toSet());
        assertEquals(VisionFamily.modelTypes(), types);
    }

    private static Map<String, String[]> rows() throws IOException {
        return lines().filter(row -> row.length > 4)
                .collect(Collectors.toMap(row -> unquoted(row[2]), row -> row));
    }

    private static Stream<String[]> lines() throws IOException {
        return Files.readAllLines(ROOT.resolve("docs/models.md")).stream()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| models"))
                .map(line -> line.split("\\|"));
    }

    private static String unquoted(String cell) {
        return cell.strip().replace("`", "");
    }
}
