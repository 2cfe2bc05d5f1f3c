import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Maven building the main classes of all modules, two at a time. Of what it prints a user sees one
/// line a module, one for every 25 MB of libraries that come, and all of it where it fails.
final class MavenRun {
    private static final Pattern MODULE =
            Pattern.compile("\\[INFO] Building (?:attune-)?(\\S+) .*\\[(\\d+)/(\\d+)]");
    private static final Pattern FETCHED =
            Pattern.compile(".*Downloaded from [^(]*\\(([\\d.]+) ([kMG]?)B.*");
    private static final Pattern UNDER_WAY = Pattern.compile("Progress \\(\\d+\\): (.*)");
    private static final Pattern DONE_OF =
            Pattern.compile("([\\d.]+)(?: ?([kMG]?)B)?/([\\d.]+) ([kMG]?)B");
    private static final int SHOWN_BYTES = 25_000_000;

    /// What came into an empty repository on Linux with x86-64.
    private static final int ALL_MB = 340;

    private final Path root;
    private final List<String> command = new ArrayList<>();
    private double fetched;
    private double shown;

    MavenRun(Path root, Build.Modules modules) {
        this.root = root;
        String last = modules.sources().containsKey("examples") ? "cli,examples" : "cli";
        command.addAll(
                List.of(
                        "mvn",
                        "-Dstyle.color=never",
                        "-T2",
                        "-Pproduct",
                        "-pl",
                        last,
                        "-am",
                        "package"));
    }

    /// @return Maven's exit status
    int run() throws IOException, InterruptedException {
        long start = System.nanoTime();
        var builder =
                new ProcessBuilder(command).directory(root.toFile()).redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process maven = builder.start();
        maven.getOutputStream().close();
        var failure = new ArrayList<String>();
        try (BufferedReader output = maven.inputReader()) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                String plain = line.strip();
                show(plain);
                if (plain.startsWith("[ERROR]")
                        || plain.startsWith("[WARNING] The requested profile")) {
                    failure.add(plain);
                }
            }
        }
        int status = maven.waitFor();
        if (status != 0) {
            failure.forEach(System.err::println);
            System.err.println(
                    "attune: the build failed, see above; all of it: " + String.join(" ", command));
        } else {
            System.err.printf(
                    "attune: built in %d s%n", (System.nanoTime() - start) / 1_000_000_000);
        }
        return status;
    }

    private void show(String line) {
        Matcher module = MODULE.matcher(line);
        if (module.matches()) {
            System.err.printf(
                    "attune: building %s (%s of %s)%n",
                    module.group(1), module.group(2), module.group(3));
            return;
        }
        Matcher whole = FETCHED.matcher(line);
        if (whole.matches()) {
            fetched += bytes(whole.group(1), whole.group(2));
            showFetched(fetched, "");
            return;
        }
        Matcher underWay = UNDER_WAY.matcher(line);
        if (underWay.matches()) {
            double part = 0;
            var large = new StringBuilder();
            Matcher each = DONE_OF.matcher(underWay.group(1));
            while (each.find()) {
                String unit = each.group(2) == null ? each.group(4) : each.group(2);
                part += bytes(each.group(1), unit);
                if (bytes(each.group(3), each.group(4)) > 2 * SHOWN_BYTES) {
                    large.append(", one file of ")
                            .append(each.group(3))
                            .append(' ')
                            .append(each.group(4))
                            .append('B');
                }
            }
            showFetched(fetched + part, large.toString());
        }
    }

    private void showFetched(double bytes, String more) {
        if (shown == 0 && bytes > 0) {
            shown = 1;
            System.err.printf("attune: downloading libraries, %d MB if all are missing%n", ALL_MB);
        } else if (bytes - shown >= SHOWN_BYTES) {
            shown = bytes;
            System.err.printf("attune: %.0f MB of libraries downloaded%s%n", bytes / 1e6, more);
        }
    }

    private static double bytes(String number, String unit) {
        return Double.parseDouble(number)
                * switch (unit) {
                    case "k" -> 1e3;
                    case "M" -> 1e6;
                    case "G" -> 1e9;
                    default -> 1;
                };
    }
}
