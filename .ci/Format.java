import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/// Formats the project's Java sources with google-java-format (AOSP style), which must be on the
/// class path. Run by the build with `--check`, which changes nothing and fails when a file is not
/// formatted, and by `.ci/format`, which rewrites files.
public final class Format {
    private static final int MAX_COLUMNS = 100;

    private Format() {}

    public static void main(String[] args) throws IOException {
        boolean check = List.of(args).contains("--check");
        List<Path> sources = sources(Path.of(""));
        List<String> tooLong = longCommentLines(sources);
        if (!tooLong.isEmpty()) {
            tooLong.forEach(System.err::println);
            System.exit(1);
        }
        var command = new ArrayList<String>(List.of("--aosp"));
        command.addAll(check ? List.of("--dry-run", "--set-exit-if-changed") : List.of("-i"));
        sources.forEach(path -> command.add(path.toString()));
        int status =
                ToolProvider.findFirst("google-java-format")
                        .orElseThrow(() -> new IllegalStateException("no formatter on class path"))
                        .run(
                                new PrintWriter(System.err, true),
                                new PrintWriter(System.err, true),
                                command.toArray(String[]::new));
        if (status != 0) {
            System.err.println("Not formatted: the files named above. Run .ci/format");
        }
        System.exit(status);
    }

    /// All Java files below `root`, without what is built or hidden (but with this folder).
    private static List<Path> sources(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(path -> path.toString().endsWith(".java"))
                    .filter(path -> !path.toString().matches("(.*/)?(target/.*|\\.(?!ci/|mvn/).*)"))
                    .sorted()
                    .toList();
        }
    }

    /// The formatter cuts Markdown comments that are too long into a `///` and a `//` line, which
    /// ends the documentation there: refuse them.
    private static List<String> longCommentLines(List<Path> sources) throws IOException {
        var found = new ArrayList<String>();
        for (Path path : sources) {
            List<String> lines = Files.readAllLines(path);
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                int columns = line.codePointCount(0, line.length());
                if (line.strip().startsWith("///") && columns > MAX_COLUMNS) {
                    found.add(
                            path
                                    + ":"
                                    + (i + 1)
                                    + ": this comment line has "
                                    + columns
                                    + " columns; break it at "
                                    + MAX_COLUMNS);
                }
            }
        }
        return found;
    }
}
