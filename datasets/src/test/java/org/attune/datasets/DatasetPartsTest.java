package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.rows.SampleBy;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Which files a `dataset_info.json` and a data set's card choose.
class DatasetPartsTest {
    private static final String COLUMNS = "\"columns\": {\"prompt\": \"text\"}";

    @TempDir Path dir;

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "'\"subset\": \"en\"' ~ en.train",
                "'\"subset\": \"en\", \"split\": null, \"folder\": null' ~ en.train",
                "'\"subset\": \"en\", \"split\": \"test\"' ~ en.test",
                "'\"subset\": \"de\", \"split\": \"test\"' ~ de.test",
                "'\"folder\": \"de\"' ~ de.train",
                "'\"folder\": \"de\", \"split\": \"test[:1]\"' ~ de.test",
            })
    void folderSubsetAndSplitChooseFiles(String keys, String expected) throws IOException {
        rows("data/en/train.jsonl", "en.train");
        rows("data/en/test.jsonl", "en.test");
        rows("data/de/train.jsonl", "de.train");
        rows("data/de/test.jsonl", "de.test");
        info("{\"x\": {\"file_name\": \"data\", " + keys + ", " + COLUMNS + "}}");
        assertEquals(List.of(expected), texts(DatasetSource.of(".#x")));
    }

    @Test
    void whatChoosesNothingIsRefused() throws IOException {
        rows("a.jsonl", "a");
        rows("data/train.jsonl", "a");
        String[][] faults = {
            {"a.jsonl", "\"split\": \"test\"", "a.jsonl is one file and has no split \"test\""},
            {"a.jsonl", "\"split\": \"test[\"", "split \"test[\" isn't understood"},
            {"a.jsonl", "\"split\": 3", "split is a number; a name is accepted"},
            {"a.jsonl", "\"subset\": \"en\"", "folder and subset choose nothing"},
            {"a.jsonl", "\"folder\": \"en\"", "folder and subset choose nothing"},
            {"a.jsonl", "\"script_url\": \"load.py\"", "script_url is not supported"},
            {"a.jsonl", "\"cloud_file_name\": \"s3://a\"", "cloud_file_name is not supported"},
            {"data", "\"split\": \"test\"", "has no split \"test\"; it has train"},
            {"data", "\"subset\": \"en\"", "no data files of \"en\""},
            {"data", "\"folder\": \"../x\"", "folder is ../x; a folder in"},
            {"data", "\"folder\": \"en\"", "folder is en; a folder in"},
        };
        for (String[] fault : faults) {
            info(
                    "{\"x\": {\"file_name\": \""
                            + fault[0]
                            + "\", "
                            + fault[1]
                            + ", "
                            + COLUMNS
                            + "}}");
            var error = assertThrows(DatasetException.class, () -> texts(DatasetSource.of(".#x")));
            assertTrue(error.getMessage().contains(fault[2]), error::getMessage);
            assertTrue(error.getMessage().contains("data"), error::getMessage);
        }
    }

    @Test
    void theRunsOwnSplitCounts() throws IOException {
        rows("data/train.jsonl", "train");
        rows("data/test.jsonl", "test");
        info("{\"x\": {\"file_name\": \"data\", \"split\": \"train\", " + COLUMNS + "}}");
        var source =
                new DatasetSource(
                        ".",
                        Optional.of("x"),
                        Optional.empty(),
                        SplitSpec.parse("test"),
                        java.util.Map.of());
        assertEquals(List.of("test"), texts(source));
    }

    @Test
    void fractionsAreSharesOfAllRowsAsInTrl() throws IOException {
        rows("a.jsonl", "a1", "a2", "a3", "a4", "a5", "a6");
        rows("b.jsonl", "b1", "b2", "b3", "b4");
        DatasetSource plain = DatasetSource.of("b.jsonl");
        // a quarter of b is 1 to 3 of a, which has 6: 8 rows
        assertEquals(
                List.of("a1", "a2", "a3", "a4", "a5", "a6", "b1", "b2"),
                texts(share("a.jsonl", 0.3), share("b.jsonl", 0.1)));
        // the other way round all of b last for 1.33 rows of a
        assertEquals(
                List.of("a1", "b1", "b2", "b3", "b4"),
                texts(share("a.jsonl", 1), share("b.jsonl", 3)));
        assertEquals(4, texts(share("b.jsonl", 0.2)).size());
        assertRefused("b.jsonl: fraction is missing", share("a.jsonl", 0.5), plain);
        assertRefused("a.jsonl: fraction is 0.0", share("a.jsonl", 0), share("b.jsonl", 1));
        assertRefused(
                "a.jsonl: fraction leaves none of its 6 rows",
                share("a.jsonl", 0.01),
                share("b.jsonl", 1));
    }

    private void assertRefused(String message, DatasetSource... sources) {
        String said = assertThrows(DatasetException.class, () -> texts(sources)).getMessage();
        assertTrue(said.startsWith(message), said);
    }

    private static DatasetSource share(String path, double fraction) {
        return new DatasetSource(
                path,
                Optional.empty(),
                Optional.empty(),
                SplitSpec.TRAIN,
                java.util.Map.of(),
                SampleBy.LINE,
                OptionalDouble.of(fraction));
    }

    @Test
    void numSamplesDrawsRows() throws IOException {
        rows("a.jsonl", "a", "b", "c", "d", "e", "f", "g", "h");
        info("{\"x\": {\"file_name\": \"a.jsonl\", \"num_samples\": 3, " + COLUMNS + "}}");
        List<String> three = texts(DatasetSource.of(".#x"));
        assertEquals(3, Set.copyOf(three).size());
        assertEquals(three, texts(DatasetSource.of(".#x")));
        info("{\"x\": {\"file_name\": \"a.jsonl\", \"num_samples\": 20, " + COLUMNS + "}}");
        List<String> twenty = texts(DatasetSource.of(".#x"));
        assertEquals(20, twenty.size());
        assertEquals(8, Set.copyOf(twenty).size());
    }

    @Test
    void aCardNamesItsFiles() throws IOException {
        Files.writeString(
                dir.resolve("README.md"),
                """
                ---
                license: mit
                configs:
                - config_name: main
                  default: true
                  data_files:
                  - split: train
                    path: "rows/a*.jsonl"
                  - split: held
                    path: [rows/b.jsonl, "**/c.jsonl"]
                - config_name: other
                  data_files: rows/b.jsonl
                - config_name: nested
                  data_dir: more
                ---
                # A data set
                """);
        rows("rows/a1.jsonl", "a1");
        rows("rows/a2.jsonl", "a2");
        rows("rows/b.jsonl", "b");
        rows("c.jsonl", "c");
        rows("more/train.jsonl", "more");
        assertEquals(List.of("a1", "a2"), texts(DatasetSource.of(".")));
        assertEquals(List.of("b"), texts(DatasetSource.of(".#other")));
        assertEquals(List.of("more"), texts(DatasetSource.of(".#nested")));
        var held =
                new DatasetSource(
                        ".",
                        Optional.empty(),
                        Optional.empty(),
                        SplitSpec.parse("held"),
                        java.util.Map.of());
        assertEquals(List.of("b", "c"), texts(held));
        Files.delete(dir.resolve("rows/b.jsonl"));
        var error = assertThrows(DatasetException.class, () -> texts(held));
        assertTrue(
                error.getMessage().contains("no file here fits rows/b.jsonl"), error::getMessage);
    }

    @Test
    void oneOfSeveralSubsetsMustBeNamed() throws IOException {
        Files.writeString(
                dir.resolve("README.md"),
                """
                ---
                configs:
                - config_name: en
                  data_files: en.jsonl
                - config_name: de
                  data_files: de.jsonl
                ---
                """);
        rows("en.jsonl", "en");
        rows("de.jsonl", "de");
        var error = assertThrows(DatasetException.class, () -> texts(DatasetSource.of(".")));
        assertTrue(error.getMessage().contains("several subsets; say which"), error::getMessage);
        assertTrue(error.getMessage().contains("en | de"), error::getMessage);
        assertEquals(List.of("de"), texts(DatasetSource.of(".#de")));
    }

    private List<String> texts(DatasetSource... sources) {
        var loader = new DatasetLoader(dir, new HubCache(dir.resolve("hub")), BadRowPolicy.ERROR);
        return loader
                .load(List.of(sources), Set.of(DatasetType.LANGUAGE_MODELING))
                .samples()
                .stream()
                .map(sample -> (String) sample.row().get("text"))
                .toList();
    }

    private void info(String json) throws IOException {
        Files.writeString(dir.resolve("dataset_info.json"), json);
    }

    private void rows(String name, String... texts) throws IOException {
        Path file = dir.resolve(name);
        Files.createDirectories(file.getParent());
        var lines = new StringBuilder();
        for (String text : texts) {
            lines.append("{\"text\": \"").append(text).append("\"}\n");
        }
        Files.writeString(file, lines);
    }
}
