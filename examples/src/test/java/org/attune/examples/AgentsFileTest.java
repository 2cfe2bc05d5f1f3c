package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What `AGENTS.md` tells coding agents is so: its commands name programs, modules, tests and tags
/// that exist, and its limits are those that [HouseTest] checks.
final class AgentsFileTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```sh\n(.*?)^```");
    private static final Pattern TEST = Pattern.compile("-Dtest='?([\\w,]+)");
    private static final Pattern TAGS = Pattern.compile("-DexcludedGroups=([\\w,]+)");
    private static final Pattern LIMITS =
            Pattern.compile("Files up to (\\d+) lines, methods up to (\\d+)");

    private static String page() throws IOException {
        return Files.readString(ROOT.resolve("AGENTS.md"));
    }

    private static List<String> commands() throws IOException {
        Matcher block = BLOCK.matcher(page());
        assertTrue(block.find(), "there are commands");
        return block.group(1)
                .lines()
                .map(line -> line.replaceFirst(" +# .*", "").strip())
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private static Set<String> tests() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith("Test.java"))
                    .map(name -> name.replace(".java", ""))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    void commandsNameWhatExists() throws IOException {
        Set<String> missing = new TreeSet<>();
        Set<String> tests = tests();
        int named = 0;
        for (String command : commands()) {
            List<String> words = List.of(command.split(" +"));
            String program = words.getFirst();
            if (!program.equals("mvn") && !Files.isExecutable(ROOT.resolve(program))) {
                missing.add(program);
            }
            if (program.equals(".ci/test") && !words.get(1).startsWith("-")) {
                if (!Files.exists(ROOT.resolve(words.get(1)).resolve("pom.xml"))) {
                    missing.add("module " + words.get(1));
                }
            }
            Matcher chosen = TEST.matcher(command);
            if (chosen.find()) {
                for (String test : chosen.group(1).split(",", -1)) {
                    named++;
                    if (!tests.contains(test)) {
                        missing.add(test);
                    }
                }
            }
            Matcher tags = TAGS.matcher(command);
            if (tags.find()) {
                assertEquals("slow,gpu,ranks", tags.group(1), command);
            }
        }
        assertEquals(Set.of(), missing);
        assertTrue(named >= 5, "only " + named + " tests were looked for");
    }

    @Test
    void limitsAreThoseOfTheHouse() throws IOException {
        Matcher limits = LIMITS.matcher(page());
        assertTrue(limits.find(), "the limits are told");
        assertEquals(HouseTest.MAX_FILE_LINES, Integer.parseInt(limits.group(1)));
        assertEquals(HouseTest.MAX_METHOD_LINES, Integer.parseInt(limits.group(2)));
    }
}
