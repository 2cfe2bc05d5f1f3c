package org.attune.reports.page;

import org.attune.error.AttuneException;
import org.attune.files.AtomicFile;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One HTML file about one run or several. Its policy allows the two scripts and the two style
/// sheets that it holds, by their hashes, and nothing from elsewhere.
public final class ReportPage {
    /// The page's name in a run's folder.
    public static final String NAME = "report.html";

    private static final Pattern PART = Pattern.compile("\\{([a-z-]+)\\}");
    static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/";

    private ReportPage() {}

    /// Writes a page about runs.
    ///
    /// @param folders their `output_dir`s
    /// @param names by which they are told apart, as many
    /// @param defaultsOf a method's configuration, by its name
    /// @throws IOException if the page can't be written
    public static void write(
            List<Path> folders,
            List<String> names,
            Function<String, Optional<Record>> defaultsOf,
            Path file)
            throws IOException {
        List<ReportedRun> runs = new ArrayList<>();
        for (int i = 0; i < folders.size(); i++) {
            runs.add(ReportedRun.of(folders.get(i), names.get(i)));
        }
        AtomicFile.writeText(file, text(runs, defaultsOf));
    }

    private static String text(
            List<ReportedRun> runs, Function<String, Optional<Record>> defaultsOf) {
        RunView view = RunView.of(runs, defaultsOf, false);
        String library = resource(UPLOT + "dist/uPlot.iife.min.js");
        String script = resource("charts.js") + resource("report.js");
        String libraryStyle = resource(UPLOT + "dist/uPlot.min.css");
        String style = resource("report.css");
        String policy =
                "default-src 'none'; script-src %s %s; style-src %s %s; img-src data:; base-uri 'none'; form-action 'none'"
                        .formatted(hash(library), hash(script), hash(libraryStyle), hash(style));
        Map<String, String> parts =
                Map.ofEntries(
                        Map.entry("policy", policy),
                        Map.entry("title", Html.escape(view.title())),
                        Map.entry("licence", resource(UPLOT + "LICENSE").strip()),
                        Map.entry("library-style", libraryStyle),
                        Map.entry("style", style),
                        Map.entry("library", library),
                        Map.entry("script", script),
                        Map.entry("data", view.data()),
                        Map.entry("body", view.body()));
        // In one pass: what a run says may look like the name of a part.
        return PART.matcher(resource("report.html"))
                .replaceAll(part -> Matcher.quoteReplacement(parts.get(part.group(1))));
    }

    static String resource(String name) {
        try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new AttuneException("the resource " + name + " is missing from the jars");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AttuneException("the resource " + name + " can't be read", e);
        }
    }

    /// The hash by which a policy names a script or a style sheet.
    private static String hash(String content) {
        return "'sha256-" + Base64.getEncoder().encodeToString(Sha256.of(content)) + "'";
    }
}
