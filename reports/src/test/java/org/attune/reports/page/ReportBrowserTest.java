package org.attune.reports.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The page in Chromium, where it is installed: charts are drawn, no text of a run becomes markup,
/// the policy is kept. With `-Dattune.axe=FILE`, a copy of `axe.min.js`, it also looks for what
/// keeps people from reading the page.
class ReportBrowserTest {
    private static final List<String> NAMES =
            List.of("chromium", "chromium-browser", "google-chrome");

    @TempDir Path root;
    private static Optional<Path> browser;

    @BeforeAll
    static void findBrowser() {
        browser =
                List.of(System.getenv().getOrDefault("PATH", "").split(":")).stream()
                        .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
                        .filter(Files::isExecutable)
                        .findFirst();
        if (browser.isEmpty()) {
            System.out.println("skipped: no " + String.join(", ", NAMES) + " on the PATH");
        }
        assumeTrue(browser.isPresent());
    }

    /// What the browser makes of a page, and what it complains of.
    private record Seen(String dom, String console) {}

    private Seen open(Path page, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(browser.orElseThrow().toString());
        command.addAll(
                List.of(
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--enable-logging=stderr",
                        "--virtual-time-budget=20000",
                        "--window-size=1280,4000",
                        "--user-data-dir=" + root.resolve("profile")));
        command.addAll(List.of(options));
        command.addAll(List.of("--dump-dom", page.toUri().toString()));
        Path dom = root.resolve("dom.html");
        Path log = root.resolve("browser.log");
        Process process =
                new ProcessBuilder(command)
                        .redirectOutput(dom.toFile())
                        .redirectError(log.toFile())
                        .start();
        boolean ended = process.waitFor(120, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly();
        }
        assumeTrue(ended && Files.size(dom) > 0, "the browser doesn't run here");
        List<String> complaints =
                Files.readAllLines(log).stream().filter(l -> l.contains("CONSOLE")).toList();
        return new Seen(Files.readString(dom), String.join("\n", complaints));
    }

    private Path page(Path... runs) throws IOException {
        Path file = root.resolve("page.html");
        ReportPage.write(
                List.of(runs),
                List.of(runs).stream().map(run -> run.getFileName().toString()).toList(),
                Methods::defaults,
                file);
        return file;
    }

    private static long count(String text, String pattern) {
        return Pattern.compile(pattern).matcher(text).results().count();
    }

    @Test
    void chartsAreDrawnAndTextsStayTexts() throws Exception {
        Path page = page(RunFolderSample.write(root.resolve("one"), 30));
        Seen seen = open(page);
        assertEquals("", seen.console(), "complaints");
        assertTrue(count(seen.dom(), "<canvas") >= 6, count(seen.dom(), "<canvas") + " charts");
        assertFalse(seen.dom().contains("<img"), "a completion became markup");
        assertTrue(seen.dom().contains("<title>one</title>"), "a completion ran as a script");
    }

    @Test
    void nothingOnThePageIsHardToReach() throws Exception {
        String axe = System.getProperty("attune.axe", "");
        if (axe.isEmpty()) {
            System.out.println("skipped: -Dattune.axe names no axe.min.js");
        }
        assumeTrue(!axe.isEmpty());
        Path one = RunFolderSample.write(root.resolve("one"), 30);
        Path two = RunFolderSample.write(root.resolve("two"), 12);
        for (Path page : List.of(page(one), page(one, two))) {
            Files.writeString(page, withAxe(Files.readString(page), Path.of(axe)));
            for (String look :
                    List.of(
                            "--window-size=1280,4000",
                            "--window-size=400,4000",
                            "--blink-settings=preferredColorScheme=0")) {
                Matcher found =
                        Pattern.compile("<pre id=\"axe\">(.*?)</pre>", Pattern.DOTALL)
                                .matcher(open(page, look).dom());
                assertTrue(found.find(), "axe ran");
                assertEquals("", found.group(1), look);
            }
        }
    }

    /// The page without its policy, which axe's script would break, and with all details open.
    private static String withAxe(String page, Path axe) throws IOException {
        String script =
                """
                <script>addEventListener("load", () => setTimeout(() => {
                  document.querySelectorAll("details").forEach(d => d.open = true);
                  axe.run(document).then(result => {
                    const told = document.createElement("pre");
                    told.id = "axe";
                    told.textContent = result.violations.map(v => v.impact + " " + v.id + ": " + v.nodes[0].html).join("\\n");
                    document.body.appendChild(told);
                  });
                }, 300));</script>
                """;
        return page.replaceFirst("<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "")
                .replace(
                        "</body>",
                        "<script>" + Files.readString(axe) + "</script>" + script + "</body>");
    }
}
