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
    private static final Set<String> OWN = Set.of("csv", "parquet");

    /// Formats that other tests of this module read.
    private static final Set<String> OTHERS = Set.of("malformed", "llamafactory", "trl");

    @Test
    void readsFilesAsPythonDoes() throws IOException {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Path dir : folders(Fixtures.fixture("text/formats"))) {
                String format = dir.getFileName().toString();
                if (OTHERS.contains(format)) {
                    report.elsewhere();
                } else if (!OWN.contains(format)) {
                    report.unsupported(format);
                } else {
                    for (Row expected : RowFiles.readAll(dir.resolve("expected.jsonl"))) {
                        String file = (String) expected.get("file");
                        report.run(
                                format + "/" + file,
                                () ->
                                        assertEquals(
                                                expected.get("rows"),
                                                plain(RowFiles.readAll(dir.resolve(file)))));
                    }
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
