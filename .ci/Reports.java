import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

import javax.xml.parsers.DocumentBuilderFactory;

/// Reads surefire's reports for `.ci/run`, at the root of the project.
///
/// - `java .ci/Reports.java forget` deletes what earlier tests reported.
/// - `java .ci/Reports.java collect FILE` adds a line `STATUS CLASS#METHOD#N` for each test to the
///   file, N counting tests of one name.
/// - `java .ci/Reports.java keep STAGE` compares with `docs/lab/test-times.tsv` and then writes the
///   stage's lines there anew. It fails where a class of the first stage takes over five seconds
///   (with some patience), and where a class that ran before, or a fiftieth of the tests, did not.
/// - `java .ci/Reports.java sum FILE` prints how many tests passed, failed and were skipped.
final class Reports {
    private static final double MOST_SECONDS = 5;

    /// Processors are shared, and the first class of a JVM pays for what it loads and compiles.
    private static final double NOISE = 4;

    private static final Path TIMES = Path.of("docs/lab/test-times.tsv");
    private static final String HEADER = "stage\tmodule\tclass\tpassed\tseconds";

    private Reports() {}

    /// One class as reported.
    private record Suite(String module, String name, double seconds, List<Test> tests) {
        long passed() {
            return tests.stream().filter(test -> test.status().equals("passed")).count();
        }
    }

    private record Test(String name, String status) {}

    /// A line of the table of times.
    private record Line(String stage, String module, String name, long passed, double seconds) {
        static Line parse(String text) {
            String[] cells = text.split("\t");
            return new Line(
                    cells[0],
                    cells[1],
                    cells[2],
                    Long.parseLong(cells[3]),
                    Double.parseDouble(cells[4]));
        }

        String text() {
            return String.format(
                    Locale.ROOT, "%s\t%s\t%s\t%d\t%.1f", stage, module, name, passed, seconds);
        }
    }

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "forget" -> {
                for (Path file : files()) {
                    Files.delete(file);
                }
            }
            case "collect" -> collect(Path.of(args[1]));
            case "keep" -> keep(args[1]);
            case "sum" -> sum(Path.of(args[1]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static List<Path> files() throws IOException {
        var files = new ArrayList<Path>();
        try (Stream<Path> modules = Files.list(Path.of(""))) {
            for (Path module : modules.toList()) {
                Path reports = module.resolve("target/surefire-reports");
                if (Files.isDirectory(reports)) {
                    try (Stream<Path> found = Files.list(reports)) {
                        found.filter(f -> f.getFileName().toString().matches("TEST-.*\\.xml"))
                                .forEach(files::add);
                    }
                }
            }
        }
        return files;
    }

    private static List<Suite> suites() throws Exception {
        var builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        var suites = new ArrayList<Suite>();
        for (Path file : files()) {
            Element root = builder.parse(file.toFile()).getDocumentElement();
            var tests = new ArrayList<Test>();
            NodeList cases = root.getElementsByTagName("testcase");
            for (int i = 0; i < cases.getLength(); i++) {
                Element test = (Element) cases.item(i);
                String name = test.getAttribute("classname") + "#" + test.getAttribute("name");
                tests.add(new Test(name.replaceAll("\\s", "_"), status(test)));
            }
            suites.add(
                    new Suite(
                            file.getName(0).toString(),
                            root.getAttribute("name"),
                            Double.parseDouble(root.getAttribute("time").replace(",", "")),
                            tests));
        }
        return suites;
    }

    private static String status(Element test) {
        boolean failed =
                test.getElementsByTagName("failure").getLength() > 0
                        || test.getElementsByTagName("error").getLength() > 0;
        boolean skipped = test.getElementsByTagName("skipped").getLength() > 0;
        return failed ? "failed" : skipped ? "skipped" : "passed";
    }

    private static void collect(Path results) throws Exception {
        var lines = new ArrayList<String>();
        var seen = new HashMap<String, Integer>();
        var counts = new TreeMap<String, Integer>();
        for (Suite suite : suites()) {
            for (Test test : suite.tests()) {
                int number = seen.merge(test.name(), 1, Integer::sum);
                lines.add(test.status() + " " + test.name() + "#" + number);
                counts.merge(test.status(), 1, Integer::sum);
            }
        }
        Files.write(
                results,
                lines,
                java.nio.file.StandardOpenOption.CREATE,
                java.nio.file.StandardOpenOption.APPEND);
        System.out.printf(
                "%d passed, %d failed, %d skipped in this step%n",
                counts.getOrDefault("passed", 0),
                counts.getOrDefault("failed", 0),
                counts.getOrDefault("skipped", 0));
    }

    private static void keep(String stage) throws Exception {
        var before = new ArrayList<Line>();
        if (Files.exists(TIMES)) {
            Files.readAllLines(TIMES).stream()
                    .skip(1)
                    .filter(line -> !line.isBlank())
                    .map(Line::parse)
                    .forEach(before::add);
        }
        var now = new TreeMap<String, Line>();
        for (Suite suite : suites()) {
            String name = suite.name();
            now.put(name, new Line(stage, suite.module(), name, suite.passed(), suite.seconds()));
        }
        List<Line> last = before.stream().filter(line -> line.stage().equals(stage)).toList();
        var problems = new TreeSet<String>();
        if (stage.equals("first")) {
            problems.addAll(tooLong(last, now));
        }
        problems.addAll(missing(last, now));
        if (!problems.isEmpty()) {
            problems.forEach(System.err::println);
            System.exit(1);
        }
        var lines = new ArrayList<String>(List.of(HEADER));
        var all = new ArrayList<>(before.stream().filter(l -> !l.stage().equals(stage)).toList());
        all.addAll(now.values());
        all.addAll(sums(stage, now));
        all.removeIf(line -> line.stage().equals(stage) && line.passed() == 0);
        all.stream().map(Line::text).sorted().forEach(lines::add);
        Files.write(TIMES, lines);
    }

    /// A line `all` for each module: the sum of its classes.
    private static List<Line> sums(String stage, Map<String, Line> now) {
        var sums = new TreeMap<String, Line>();
        for (Line line : now.values()) {
            sums.merge(
                    line.module(),
                    new Line(stage, line.module(), "all", line.passed(), line.seconds()),
                    (a, b) ->
                            new Line(
                                    stage,
                                    a.module(),
                                    "all",
                                    a.passed() + b.passed(),
                                    a.seconds() + b.seconds()));
        }
        return List.copyOf(sums.values());
    }

    /// The budget grows with what the machine is slower than the one of the table, by the median of
    /// the classes that take half a second there.
    private static List<String> tooLong(List<Line> last, Map<String, Line> now) {
        double[] ratios =
                last.stream()
                        .filter(line -> line.seconds() >= 0.5 && now.containsKey(line.name()))
                        .mapToDouble(line -> now.get(line.name()).seconds() / line.seconds())
                        .sorted()
                        .toArray();
        double factor = ratios.length < 10 ? 1 : Math.max(1, ratios[ratios.length / 2]);
        var problems = new ArrayList<String>();
        for (Line line : now.values()) {
            if (line.seconds() > MOST_SECONDS * factor * NOISE) {
                problems.add(
                        String.format(
                                Locale.ROOT,
                                "%s takes %.1f s; a class without a tag may take %.0f s (x %.2f on"
                                        + " this machine): shorten it, or tag it \"thorough\"",
                                line.name(),
                                line.seconds(),
                                MOST_SECONDS,
                                factor));
            }
        }
        System.out.printf(Locale.ROOT, "the machine of test-times.tsv is %.2f x as fast%n", factor);
        return problems;
    }

    /// What silently stops running looks like success.
    private static List<String> missing(List<Line> last, Map<String, Line> now) throws IOException {
        Set<String> sources = testSources();
        long expected = 0;
        long passed = now.values().stream().mapToLong(Line::passed).sum();
        var problems = new ArrayList<String>();
        for (Line line : last) {
            if (line.name().equals("all") || !sources.contains(line.name())) {
                continue;
            }
            expected += line.passed();
            if (!now.containsKey(line.name())) {
                problems.add(line.name() + " did not run; it had " + line.passed() + " tests");
            }
        }
        if (passed < expected * 0.98 || passed == 0) {
            problems.add("only " + passed + " tests passed, where the last run had " + expected);
        }
        return problems;
    }

    /// The classes' names by the files of sources.
    private static Set<String> testSources() throws IOException {
        var names = new HashSet<String>();
        try (Stream<Path> all = Files.walk(Path.of(""))) {
            all.map(Path::toString)
                    .filter(path -> path.matches("(\\w+/)+test/java/.*Test\\.java"))
                    .map(path -> path.replaceFirst(".*test/java/", ""))
                    .map(path -> path.replaceFirst("\\.java$", "").replace('/', '.'))
                    .forEach(names::add);
        }
        return names;
    }

    /// Each test counts once, however often it ran: failed if it ever failed, passed if it ever
    /// passed, else skipped. A class that was skipped as a whole has one line without a name, which
    /// says nothing where its tests ran in another step.
    private static void sum(Path results) throws IOException {
        var statuses = new HashMap<String, Set<String>>();
        var ran = new HashSet<String>();
        for (String line : Files.readAllLines(results)) {
            int blank = line.indexOf(' ');
            String status = line.substring(0, blank);
            String test = line.substring(blank + 1);
            statuses.computeIfAbsent(test, _ -> new HashSet<>()).add(status);
            if (!status.equals("skipped")) {
                ran.add(test.substring(0, test.indexOf('#')));
            }
        }
        int passed = 0;
        int failed = 0;
        int skipped = 0;
        for (var test : statuses.entrySet()) {
            String type = test.getKey().substring(0, test.getKey().indexOf('#'));
            if (test.getValue().contains("failed")) {
                failed++;
            } else if (test.getValue().contains("passed")) {
                passed++;
            } else if (!test.getKey().contains("##") || !ran.contains(type)) {
                skipped++;
            }
        }
        System.out.printf("%d passed, %d failed, %d skipped%n", passed, failed, skipped);
    }
}
