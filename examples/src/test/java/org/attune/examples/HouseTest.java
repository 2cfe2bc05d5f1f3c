package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

/// The rules of the house that can only be read from the text of sources and documents: sizes,
/// comments, links.
final class HouseTest {
    static final int MAX_FILE_LINES = 500;
    static final int MAX_METHOD_LINES = 60;

    private static final Pattern TEXT = Pattern.compile(".*\\.(java|md|xml|ya?ml|sh|properties)");
    private static final Pattern LINK = Pattern.compile("https?://([^/\\s\"')>]+)");
    private static final Pattern MARKDOWN_LINK = Pattern.compile("]\\(([^)#\\s]+)(#[^)]*)?\\)");
    private static final Pattern TYPE = Pattern.compile("`([A-Z][a-z]\\w+)(?:\\.(\\w+))?`");
    private static final Pattern SOMEONES_PATH =
            Pattern.compile("(?<![\\w.}$-])/(work|root|home|Users)/\\w");
    private static final Pattern FIXTURES =
            Pattern.compile("\\bFixtures\\.(fixture|data|model)\\(");
    private static final Pattern TAGGED = Pattern.compile("@Tag\\(\"(fixtures-|interop)");
    private static final Pattern STATIC_FIXTURE =
            Pattern.compile(
                    "\\bstatic [^;{}()]*=[^;]*Fixtures\\.(fixture|data|model|rows|text)\\(");
    /// Of drawings, where names have no backquotes.
    private static final Pattern DRAWN_TYPE = Pattern.compile("\\b[A-Z][a-z]+[A-Z]\\w+");

    private static final Pattern DRAWING = Pattern.compile("```mermaid\n(.*?)```", Pattern.DOTALL);
    private static final Pattern IDIOM =
            Pattern.compile(
                    "\\b(whoever|lest|dear|(of (its|their|one's) own)|(takes? (it|them) back)"
                            + "|(stands? for)|(asks? for nothing))\\b"
                            + "|\\bwhat (\\w+ ){0,3}of (it|them)\\b",
                    Pattern.CASE_INSENSITIVE);
    private static final Pattern COMMENT = Pattern.compile("(^|\\s)//+ (.*)");

    /// What a reader of one entry of the documentation can't understand.
    private static final Pattern LEANS_ON_A_NEIGHBOUR =
            Pattern.compile("^\\s*/// (The same|As above|Whether it|Likewise)\\b");

    private static final Pattern PACKAGE = Pattern.compile("package [\\w.]+;");
    private static final String MAIN_SOURCES = "/src/main/java/";
    private static final Pattern OPEN_TASK =
            Pattern.compile("\\b(FIX" + "ME|XXX|TO" + "DO(?!\\(#\\d+\\)))");

    /// Papers, formats and the homes of the things Attune talks about; no mirrors or registries.
    private static final Set<String> LINK_HOSTS =
            Set.of(
                    "aclanthology.org",
                    "arxiv.org",
                    "docs.djl.ai",
                    "ericmitchell.ai",
                    "example.org",
                    "github.com",
                    "huggingface.co",
                    "json-schema.org",
                    "maven.apache.org",
                    "openreview.net",
                    "www.apache.org",
                    "www.w3.org");

    /// Pages whose `Type`s in backquotes are Attune's.
    private static final List<String> PAGES_THAT_NAME_TYPES =
            List.of(
                    "docs/design.md",
                    "docs/papers.md",
                    "docs/index.md",
                    "docs/kernels.md",
                    "docs/step.md",
                    "docs/add-a-family.md",
                    "docs/add-a-format.md");

    private static Path root;
    private static List<Path> texts;

    @BeforeAll
    static void findTexts() throws IOException {
        String property = System.getProperty("attune.root");
        root = property == null ? Path.of("..").toRealPath() : Path.of(property);
        try (Stream<Path> files = Files.walk(root)) {
            texts =
                    files.filter(Files::isRegularFile)
                            .filter(path -> TEXT.matcher(path.toString()).matches())
                            .filter(HouseTest::isOurs)
                            .sorted()
                            .toList();
        }
    }

    /// Neither built, nor hidden except the folders that belong to the build, nor what the examples
    /// write at the root.
    private static boolean isOurs(Path path) {
        Path relative = root.relativize(path);
        if (relative.startsWith("out") || relative.startsWith("quickstart")) {
            return false;
        }
        for (Path part : relative) {
            String name = part.toString();
            boolean hidden = name.startsWith(".") && !Set.of(".ci", ".mvn").contains(name);
            if (hidden || name.equals("target")) {
                return false;
            }
        }
        return true;
    }

    private static List<Path> sources() {
        List<Path> sources = texts.stream().filter(p -> p.toString().endsWith(".java")).toList();
        assertTrue(!sources.isEmpty(), "no sources found below " + root);
        return sources;
    }

    @Test
    void filesAreShort() throws IOException {
        var tooLong = new TreeMap<Path, Integer>();
        Path made = root.resolve("docs/keys.md"); // from the table of keys
        for (Path path : texts) {
            int lines = Files.readAllLines(path).size();
            if (lines > MAX_FILE_LINES && !path.equals(made)) {
                tooLong.put(root.relativize(path), lines);
            }
        }
        assertEquals(new TreeMap<>(), tooLong, "files over " + MAX_FILE_LINES + " lines");
    }

    @Tag("thorough")
    @Test
    void methodsAreShort() throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        var tooLong = new ArrayList<String>();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var units = files.getJavaFileObjectsFromPaths(sources());
            var options = List.of("--release", "25", "-proc:none");
            var task = (JavacTask) compiler.getTask(null, files, null, options, null, units);
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                unit.accept(new MethodLengths(unit, positions, tooLong), null);
            }
        }
        assertEquals(List.of(), tooLong, "methods over " + MAX_METHOD_LINES + " lines");
    }

    private static final class MethodLengths extends TreeScanner<Void, Void> {
        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final List<String> tooLong;

        MethodLengths(CompilationUnitTree unit, SourcePositions positions, List<String> tooLong) {
            this.unit = unit;
            this.positions = positions;
            this.tooLong = tooLong;
        }

        @Override
        public Void visitMethod(MethodTree method, Void unused) {
            if (method.getBody() != null) {
                long first = line(positions.getStartPosition(unit, method.getBody()));
                long last = line(positions.getEndPosition(unit, method.getBody()));
                if (last - first + 1 > MAX_METHOD_LINES) {
                    Path file = Path.of(unit.getSourceFile().toUri());
                    tooLong.add(
                            "%s:%d: %s has %d lines"
                                    .formatted(
                                            root.relativize(file),
                                            first,
                                            method.getName(),
                                            last - first + 1));
                }
            }
            return super.visitMethod(method, null);
        }

        private long line(long position) {
            return unit.getLineMap().getLineNumber(position);
        }
    }

    /// The formatter breaks a long `///` line by putting its tail on a `//` line.
    @Test
    void documentationCommentsAreWhole() throws IOException {
        assertNone(
                sources(),
                "a comment broken in two",
                (lines, i) -> {
                    String line = lines.get(i).strip();
                    boolean plain = line.startsWith("//") && !line.startsWith("///");
                    return plain && i > 0 && lines.get(i - 1).strip().startsWith("///");
                });
    }

    @Test
    void openTasksNameTheirIssue() throws IOException {
        List<Path> others = sources().stream().filter(p -> !p.endsWith("HouseTest.java")).toList();
        assertNone(others, "write TODO(#issue)", (lines, i) -> has(OPEN_TASK, lines.get(i)));
    }

    @Test
    void nothingNamesAPlaceOnSomeonesMachine() throws IOException {
        assertNone(texts, "an absolute path", (lines, i) -> has(SOMEONES_PATH, lines.get(i)));
    }

    @Test
    void linksLeadToPapersFormatsAndProjectsOnly() throws IOException {
        assertNone(
                texts,
                "a link to a host that is not in LINK_HOSTS",
                (lines, i) ->
                        LINK.matcher(lines.get(i))
                                .results()
                                .map(m -> m.group(1))
                                .filter(host -> !host.startsWith("localhost:")) // an example's
                                .anyMatch(host -> !LINK_HOSTS.contains(host)));
    }

    @Test
    void linksBetweenDocumentsLeadSomewhere() throws IOException {
        var broken = new ArrayList<String>();
        for (Path path : texts) {
            if (path.toString().endsWith(".md")) {
                Matcher link = MARKDOWN_LINK.matcher(Files.readString(path));
                while (link.find()) {
                    String target = link.group(1);
                    boolean web = target.contains("://");
                    if (!web && !Files.exists(path.resolveSibling(target))) {
                        broken.add(root.relativize(path) + " → " + target);
                    }
                }
            }
        }
        assertEquals(List.of(), broken, "links to files that do not exist");
    }

    /// README and CI call the same commands, and the README's Java is a program that is tested.
    @Test
    void theReadmeIsTrue() throws IOException {
        String readme = Files.readString(root.resolve("README.md"));
        String ci = Files.readString(root.resolve(".ci/run"));
        List<String> commands =
                List.of(
                        "mvn -B verify",
                        "./attune grpo examples/quickstart/grpo.yaml",
                        "./attune dpo examples/quickstart/dpo.yaml");
        String first = readme.substring(readme.indexOf("```") + 3).strip();
        assertTrue(first.startsWith(commands.get(1)), "README.md's first command is another");
        for (String command : commands) {
            assertTrue(readme.contains(command), "README.md lacks " + command);
            assertTrue(ci.contains("\n" + command), ".ci/run does not call " + command);
        }
        String program =
                Files.readString(
                        root.resolve("examples/src/main/java/org/attune/examples/DpoInJava.java"));
        Matcher marked =
                Pattern.compile("// readme: dpo\n(.*?) *// end", Pattern.DOTALL).matcher(program);
        assertTrue(marked.find(), "DpoInJava has no marked part");
        assertTrue(
                readme.contains(marked.group(1).stripTrailing().stripIndent()),
                "README.md does not show DpoInJava as it is");
    }

    /// The launcher builds anew when a source of any module is newer than the last build.
    @Test
    void theLauncherKnowsTheModules() throws IOException {
        String pom = Files.readString(root.resolve("pom.xml"));
        String modules =
                Pattern.compile("(?m)^ +<module>(\\w+)</module>")
                        .matcher(pom)
                        .results()
                        .map(m -> m.group(1))
                        .collect(Collectors.joining(" "));
        String launcher = Files.readString(root.resolve("attune"));
        assertTrue(
                launcher.contains("\nmodules=\"" + modules + "\"\n"),
                "./attune does not look at the modules " + modules);
    }

    /// `Type` or `Type.member` in the documents' tables and texts, so that a renaming reaches them.
    @Test
    void documentsNameTypesThatExist() throws IOException {
        var missing = new ArrayList<String>();
        for (String document : PAGES_THAT_NAME_TYPES) {
            String text = Files.readString(root.resolve(document));
            Matcher name = TYPE.matcher(text);
            while (name.find()) {
                String member = name.group(2);
                if (!declared(name.group(1), member == null ? "" : member)) {
                    missing.add(document + ": " + name.group());
                }
            }
            Matcher drawing = DRAWING.matcher(text);
            while (drawing.find()) {
                for (String type : namesIn(drawing.group(1))) {
                    if (!declared(type, "")) {
                        missing.add(document + ": " + type);
                    }
                }
            }
        }
        assertEquals(List.of(), missing, "types or members that do not exist");
    }

    private static List<String> namesIn(String drawing) {
        return DRAWN_TYPE.matcher(drawing).results().map(m -> m.group()).distinct().toList();
    }

    private static boolean declared(String type, String member) throws IOException {
        for (Path path : sources()) {
            if (path.endsWith(type + ".java")) {
                return Files.readString(path).contains(member);
            }
        }
        return false;
    }

    /// A newcomer opens a package and reads there what it is and where to begin.
    @Test
    void packagesSayWhatTheyAre() throws IOException {
        var described = new TreeSet<String>();
        var all = new TreeSet<String>();
        for (Path path : sources()) {
            if (path.toString().contains(MAIN_SOURCES)) {
                List<String> lines = Files.readAllLines(path);
                String name = lines.stream().filter(PACKAGE.asMatchPredicate()).findFirst().get();
                all.add(name);
                if (path.endsWith("package-info.java") && lines.getFirst().startsWith("/// ")) {
                    described.add(name);
                }
            }
        }
        all.removeAll(described);
        assertEquals(new TreeSet<String>(), all, "packages without a package-info.java");
    }

    /// Turns of phrase that a reader has to guess. Say what is meant, as "restores", "pads", "a
    /// model beside the policy".
    @Test
    void commentsAndPagesArePlain() throws IOException {
        String what = "a turn of phrase that says little";
        Path book = root.resolve("docs/lab"); // stays as it was written, as the list of changes
        List<Path> pages =
                texts.stream()
                        .filter(p -> p.toString().endsWith(".md") && !p.startsWith(book))
                        .filter(p -> !p.endsWith("CHANGELOG.md"))
                        .toList();
        assertNone(pages, what, (lines, i) -> has(IDIOM, lines.get(i)));
        assertNone(
                sources().stream().filter(p -> !p.endsWith("HouseTest.java")).toList(),
                what,
                (lines, i) -> {
                    Matcher comment = COMMENT.matcher(lines.get(i));
                    return comment.find() && has(IDIOM, comment.group(2));
                });
    }

    /// Documentation shows one entry at a time. So a summary has a verb and an object: "Adds an id
    /// to the call", not "The same with an id".
    @Test
    void summariesStandAlone() throws IOException {
        assertNone(
                sources().stream().filter(p -> p.toString().contains(MAIN_SOURCES)).toList(),
                "a summary that needs its neighbour",
                (lines, i) -> {
                    boolean first = i == 0 || !lines.get(i - 1).strip().startsWith("///");
                    return first && has(LEANS_ON_A_NEIGHBOUR, lines.get(i));
                });
    }

    /// In a static field an absent file is an error of the class, not a test that is skipped; and
    /// only by its tag does CI find a class that needs such files.
    @Test
    void fixturesAreAskedForByTests() throws IOException {
        var wrong = new ArrayList<String>();
        for (Path path : sources()) {
            String text = Files.readString(path);
            boolean asks = FIXTURES.matcher(text).find() && path.toString().endsWith("Test.java");
            if (STATIC_FIXTURE.matcher(text).find() || asks && !TAGGED.matcher(text).find()) {
                wrong.add(root.relativize(path).toString());
            }
        }
        assertEquals(List.of(), wrong, "fixtures in static fields, or classes without their tag");
    }

    private static boolean has(Pattern pattern, String line) {
        return pattern.matcher(line).find();
    }

    private static void assertNone(
            List<Path> files, String what, BiFunction<List<String>, Integer, Boolean> isBad)
            throws IOException {
        var found = new ArrayList<String>();
        for (Path path : files) {
            List<String> lines = Files.readAllLines(path);
            for (int i = 0; i < lines.size(); i++) {
                if (isBad.apply(lines, i)) {
                    found.add(root.relativize(path) + ":" + (i + 1) + ": " + lines.get(i).strip());
                }
            }
        }
        assertEquals(List.of(), found, what);
    }
}
