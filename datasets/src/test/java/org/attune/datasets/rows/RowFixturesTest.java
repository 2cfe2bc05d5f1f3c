package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// CSV and Parquet as pyarrow and Python's csv module read them.
@Tag("fixtures-text")
class RowFixturesTest {
    /// Formats with a test, here or elsewhere in this module.
    private static final Set<String> TESTED =
            Set.of("csv", "parquet", "malformed", "llamafactory", "trl");

    @Test
    void readsFilesAsPythonDoes() throws IOException {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (String folder : List.of("csv", "parquet")) {
                Path dir = Fixtures.fixture("text/formats/" + folder);
                for (Row expected : RowFiles.readAll(dir.resolve("expected.jsonl"))) {
                    String file = (String) expected.get("file");
                    report.run(
                            folder + "/" + file,
                            () ->
                                    assertEquals(
                                            expected.get("rows"),
                                            plain(RowFiles.readAll(dir.resolve(file)))));
                }
            }
            for (Path folder : folders(Fixtures.fixture("text/formats"))) {
                if (!TESTED.contains(folder.getFileName().toString())) {
                    report.unsupported(folder.getFileName().toString());
                }
            }
        }
    }

    private static List<Path> folders(Path formats) throws IOException {
        try (Stream<Path> all = Files.list(formats)) {
            return all.filter(Files::isDirectory).sorted().toList();
        }
    }

    private static Object plain(List<Row> rows) {
        return rows.stream().map(row -> plain(row.columns())).toList();
    }

    private static Object plain(Object value) {
        return switch (value) {
            case byte[] bytes -> Map.of("base64", Base64.getEncoder().encodeToString(bytes));
            case Map<?, ?> map -> {
                var copy = new LinkedHashMap<Object, Object>();
                map.forEach((k, v) -> copy.put(k, plain(v)));
                yield copy;
            }
            case List<?> list -> {
                var copy = new ArrayList<>();
                list.forEach(v -> copy.add(plain(v)));
                yield copy;
            }
            case null, default -> value;
        };
    }
}
