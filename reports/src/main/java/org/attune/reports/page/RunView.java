package org.attune.reports.page;

import org.attune.datasets.rows.Row;
import org.attune.images.Picture;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// What pages show of one run or of several: HTML in which all that comes from outside is text, and
/// the numbers of the charts.
///
/// @param title names of the runs, not escaped
/// @param body a `header` and a `main` element
/// @param data JSON that may stand in an HTML element
public record RunView(String title, String body, String data) {
    /// Rows that became worse, of a file and of a page that a server makes.
    private static final int FEW = 8;

    private static final int MANY = 20;

    /// Rounds whose rewards are drawn: the first and the last.
    private static final int ENDS = 2;

    /// Files that pages made by a server need, by the names that they give them.
    private static final Map<String, String> ASSETS =
            Map.of(
                    "uplot.js",
                    ReportPage.UPLOT + "dist/uPlot.iife.min.js",
                    "uplot.css",
                    ReportPage.UPLOT + "dist/uPlot.min.css",
                    "charts.js",
                    "charts.js",
                    "report.css",
                    "report.css");

    /// Reads runs for a page that a server makes. Of one run it leaves parts to scripts, as
    /// `div class="room"`: `data-room` is `completions` or `rows`.
    ///
    /// @param folders their `output_dir`s
    /// @param names by which they are told apart, as many
    /// @param defaultsOf a method's configuration, by its name
    public static RunView live(
            List<Path> folders, List<String> names, Function<String, Optional<Record>> defaultsOf) {
        List<ReportedRun> runs = new ArrayList<>();
        for (int i = 0; i < folders.size(); i++) {
            int rounds = folders.size() == 1 ? ENDS : 0;
            runs.add(ReportedRun.of(folders.get(i), names.get(i), rounds));
        }
        return of(runs, defaultsOf, true);
    }

    /// Steps of which a run recorded completions, rising.
    public static List<Integer> steps(Path run) throws IOException {
        return RecordedRounds.steps(run);
    }

    /// All completions of a recorded step.
    ///
    /// @return a row each: `group`, the prompt's number; `prompt`, `completion` as texts; all other
    ///     columns as they were recorded; `sum` of several rewards; in the first row of a prompt
    ///     with pictures `pictures`, those that the run's folder holds
    /// @throws IOException if the step isn't there, or can't be read
    public static List<Map<String, Object>> round(Path run, int step) throws IOException {
        return RecordedRounds.round(ReportedRun.of(run, "", 0), step);
    }

    /// The rows of [#round] as they were recorded: prompts and completions of chats are messages.
    /// Where the run knows the files of a prompt's pictures, these are [Picture]s in its parts.
    ///
    /// @throws IOException if the step isn't there, or can't be read
    public static List<Row> recorded(Path run, int step) throws IOException {
        Map<String, Optional<Picture>> found = new HashMap<>();
        List<Row> rows = new ArrayList<>();
        for (Row row : RecordedRounds.rows(run, step)) {
            Map<String, Object> columns = new LinkedHashMap<>(row.columns());
            columns.computeIfPresent(
                    "prompt", (_, prompt) -> ShownPictures.seen(run, prompt, found));
            rows.add(row.with(columns));
        }
        return rows;
    }

    /// Whether a picture of a row's prompt isn't there.
    ///
    /// @param row one of [#recorded]
    public static boolean lacksPictures(Row row) {
        return ShownPictures.lacks(row.get("prompt"));
    }

    /// A file that these pages need: `uplot.js`, `uplot.css`, `charts.js`, `report.css`.
    public static Optional<String> asset(String name) {
        return Optional.ofNullable(ASSETS.get(name)).map(ReportPage::resource);
    }

    static RunView of(
            List<ReportedRun> runs, Function<String, Optional<Record>> defaultsOf, boolean live) {
        List<Curves.Chart> charts = Curves.of(runs);
        List<Section> sections =
                runs.size() == 1
                        ? one(runs.getFirst(), charts, defaultsOf, live)
                        : several(runs, charts);
        String title = String.join(", ", runs.stream().map(ReportedRun::name).toList());
        return new RunView(
                title, body(title, runs, sections).toString(), PageData.json(runs, charts));
    }

    private static List<Section> one(
            ReportedRun run,
            List<Curves.Chart> charts,
            Function<String, Optional<Record>> defaultsOf,
            boolean live) {
        return List.of(
                CurveSection.of(charts),
                HeldOutSection.of(run, live ? MANY : FEW),
                live ? completions(run) : CompletionSection.of(run),
                DistributionSection.of(run),
                live
                        ? room("rows", "Rows as the model sees them", true)
                        : new Section("rows", "", new Html()),
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

    /// A part that scripts fill.
    private static Section room(String id, String title, boolean isThere) {
        var body = new Html();
        if (isThere) {
            body.open("div", "class", "room", "data-room", id).close("div");
        }
        return new Section(id, title, body);
    }

    private static Section completions(ReportedRun run) {
        return room("completions", "Completions by step", run.completions().recorded() > 0);
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
}
