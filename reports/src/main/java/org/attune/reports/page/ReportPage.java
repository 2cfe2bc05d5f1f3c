package org.attune.reports.page;

import org.attune.error.AttuneException;
import org.attune.files.AtomicFile;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
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
    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/";

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
        List<Curves.Chart> charts = Curves.of(runs);
        List<Section> sections =
                runs.size() == 1 ? one(runs.getFirst(), charts, defaultsOf) : several(runs, charts);
        String title =
                runs.size() == 1
                        ? runs.getFirst().name()
                        : String.join(", ", runs.stream().map(ReportedRun::name).toList());
        String library = resource(UPLOT + "dist/uPlot.iife.min.js");
        String script = resource("report.js");
        String libraryStyle = resource(UPLOT + "dist/uPlot.min.css");
        String style = resource("report.css");
        String policy =
                "default-src 'none'; script-src %s %s; style-src %s %s; base-uri 'none'; form-action 'none'"
                        .formatted(hash(library), hash(script), hash(libraryStyle), hash(style));
        Map<String, String> parts =
                Map.of(
                        "policy", policy,
                        "title", Html.escape(title),
                        "licence", resource(UPLOT + "LICENSE").strip(),
                        "library-style", libraryStyle,
                        "style", style,
                        "library", library,
                        "script", script,
                        "data", PageData.json(runs, charts),
                        "body", body(title, runs, sections).toString());
        // In one pass: what a run says may look like the name of a part.
        return PART.matcher(resource("report.html"))
                .replaceAll(part -> Matcher.quoteReplacement(parts.get(part.group(1))));
    }

    private static List<Section> one(
            ReportedRun run,
            List<Curves.Chart> charts,
            Function<String, Optional<Record>> defaultsOf) {
        return List.of(
                CurveSection.of(charts),
                HeldOutSection.of(run),
                CompletionSection.of(run),
                DistributionSection.of(run),
                PhaseSection.of(List.of(run)),
                FactSection.of(List.of(run)),
                WarningSection.of(List.of(run)),
                ConfigSection.of(run, defaultsOf),
                UseSection.of(run));
    }

    private static List<Section> several(List<ReportedRun> runs, List<Curves.Chart> charts) {
        return List.of(
                ComparisonSection.table(runs),
                CurveSection.of(charts),
                FactSection.differences(runs),
                ComparisonSection.answers(runs),
                PhaseSection.of(runs),
                FactSection.of(runs),
                WarningSection.of(runs));
    }

    private static Html body(String title, List<ReportedRun> runs, List<Section> all) {
        List<Section> sections = all.stream().filter(section -> !section.body().isEmpty()).toList();
        var body = new Html();
        body.open("header").element("h1", title);
        if (runs.size() == 1) {
            ReportedRun run = runs.getFirst();
            Verdict verdict = Verdict.of(run);
            body.element(
                    "p",
                    "%s%s after %s"
                            .formatted(
                                    run.method().isEmpty() ? "" : run.method() + " · ",
                                    run.state(),
                                    run.steps() == 1
                                            ? "1 step"
                                            : Figures.grouped(run.steps()) + " steps"),
                    "class",
                    "state");
            body.open("div", "class", "verdict " + verdict.tone());
            body.element("p", verdict.headline(), "class", "headline");
            body.element("p", verdict.detail()).close("div");
            run.card()
                    .flatMap(card -> card.failure())
                    .ifPresent(
                            why -> body.element("p", "It failed: " + why, "class", "verdict bad"));
        }
        body.open("nav", "aria-label", "sections").open("ul");
        for (Section section : sections) {
            body.open("li").element("a", section.title(), "href", "#" + section.id()).close("li");
        }
        body.close("ul").close("nav").close("header").open("main");
        for (Section section : sections) {
            body.open("section", "id", section.id()).element("h2", section.title());
            body.add(section.body()).close("section");
        }
        return body.close("main");
    }

    private static String resource(String name) {
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
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(content.getBytes(StandardCharsets.UTF_8));
            return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
