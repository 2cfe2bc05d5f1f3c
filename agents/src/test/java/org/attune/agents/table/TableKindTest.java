package org.attune.agents.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.Tool;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

final class TableKindTest {
    private static final Table CARS =
            Table.of(
                    "cars",
                    (List<?>)
                            Json.parse(
                                    """
                                    [{"name": "Ann", "colour": "red", "price": 3, "new": true},
                                     {"name": "Bob", "colour": "blue", "price": 4.5, "new": false},
                                     {"name": "Cy", "colour": "Red", "price": 10, "new": true},
                                     {"name": "Dee", "colour": null, "price": null, "new": false}]
                                    """));

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "SELECT COUNT(*) FROM cars WHERE colour = 'red' | 2",
                "select name from cars where price > 4 order by price desc limit 1; | Cy",
                "SELECT SUM(price), AVG(price) FROM cars | sum(price), avg(price)/17.5,"
                        + " 5.833333333",
                "SELECT MIN(price) FROM cars WHERE new = true | 3",
                "SELECT name FROM cars WHERE colour IS NULL | Dee",
                "SELECT name FROM cars WHERE price BETWEEN 4 AND 5 | Bob",
                "SELECT name FROM cars WHERE NOT (price < 5 OR price IS NULL) | Cy",
                "SELECT name FROM cars WHERE name IN ('ann', 'BOB') AND colour != 'blue' | Ann",
                "SELECT name FROM cars WHERE name LIKE 'B%' | Bob",
                "SELECT name FROM cars WHERE name NOT LIKE '_nn' AND name NOT IN ('Cy', 'Dee') |"
                        + " Bob",
                "SELECT new, COUNT(*) AS n FROM cars GROUP BY new ORDER BY n DESC, new | new,"
                        + " n/false, 2/true, 2",
                "SELECT DISTINCT new FROM cars ORDER BY new | new/false/true",
                "SELECT * FROM cars WHERE \"name\" = \"Bob\" | name, colour, price, new/Bob, blue,"
                        + " 4.5, false",
                "SELECT name FROM cars WHERE price = 'x' | no rows",
                "SELECT MAX(price) FROM cars WHERE name = 'nobody' | null",
                "SELECT COUNT(price) | 3",
            })
    void answers(String query, String answer) {
        assertEquals(answer.replace('/', '\n'), TableKind.answer(query, CARS, 50));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "DELETE FROM cars | expected SELECT, got \"DELETE\"",
                "SELECT nam FROM cars | there is no column \"nam\", did you mean \"name\"?; the"
                        + " columns are name, colour, price, new",
                "SELECT name FROM trucks | there is no table \"trucks\"; the table is cars(name"
                        + " text, colour text, price number, new boolean)",
                "SELECT name FROM cars WHERE | expected a column or a value, and the query ends",
                "SELECT name FROM cars WHERE name ~~ 3 | the query can't be read from \"~~ 3\" on",
                "SELECT name FROM cars WHERE name 3 | expected =, !=, <, <=, >, >=, LIKE, IN,"
                        + " BETWEEN or IS NULL, got \"3\"",
                "SELECT SUM(name) FROM cars | sum and avg need numbers, and a value is \"Ann\"",
                "SELECT name FROM cars LIMIT x | LIMIT needs a whole number, got \"x\"",
                "SELECT name FROM cars JOIN other | expected WHERE, GROUP BY, ORDER BY, LIMIT or"
                        + " the end of the query, got \"JOIN\"",
                "SELECT (name FROM cars | expected a name, got \"(\"",
                " | expected SELECT, and the query ends",
            })
    void whatIsWrongIsSaid(String query, String problem) {
        String text = query == null ? "" : query;
        String message =
                assertThrows(IllegalArgumentException.class, () -> TableKind.answer(text, CARS, 50))
                        .getMessage();
        assertEquals(problem, message);
    }

    @Test
    void manyRowsAreCut() {
        assertEquals(
                "name\nAnn\nBob\n… 2 more rows; use LIMIT or WHERE",
                TableKind.answer("SELECT name FROM cars", CARS, 2));
    }

    private static String asked(RunTools run, Map<String, Object> row, String query)
            throws Exception {
        var start = new EpisodeStart(new EpisodeId(0, 0), row, 0, 0, 0);
        Tool tool = run.tools().getFirst().open(start).tools().getFirst();
        return tool.call(Map.of("query", query), null).text();
    }

    @Test
    void rowsComeFromAFileTheConfigurationOrTheData(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("t.csv"), "a,b\n1,\"x, \"\"y\"\"\"\r\n-2.5,\n,true\n\n");
        Files.writeString(folder.resolve("t.jsonl"), "{\"a\": 1}\n{\"a\": 2}\n");
        Map<String, Object> csv = Map.of("name", "table", "file", "t.csv", "table", "t");
        try (RunTools run = RunTools.parse(csv, null, folder)) {
            assertEquals(
                    "a, b\nnull, true\n-2.5, null\n1, x, \"y\"",
                    asked(run, Map.of(), "SELECT * FROM t ORDER BY a"));
        }
        Map<String, Object> jsonl = Map.of("name", "table", "file", "t.jsonl");
        try (RunTools run = RunTools.parse(jsonl, null, folder)) {
            assertEquals("3", asked(run, Map.of(), "SELECT SUM(a) FROM data"));
        }
        Map<String, Object> column = Map.of("name", "table", "column", "facts");
        try (RunTools run = RunTools.parse(column, null, folder)) {
            Map<String, Object> row = Map.of("facts", List.of(Map.of("who", "Ann")));
            assertEquals("Ann", asked(run, row, "SELECT who FROM data"));
            assertThrows(ConfigException.class, () -> asked(run, Map.of(), "SELECT who"));
        }
        Map<String, Object> two = Map.of("name", "table", "column", "c", "file", "t.csv");
        String message =
                assertThrows(ConfigException.class, () -> RunTools.parse(two, null, folder))
                        .getMessage();
        assertTrue(message.contains("exactly one of file, rows and column"), message);
    }
}
