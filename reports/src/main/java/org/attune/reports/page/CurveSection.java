package org.attune.reports.page;

import java.util.List;

/// The curves: drawings and a table of their numbers. The script puts charts in the place of the
/// drawings.
final class CurveSection {
    private CurveSection() {}

    static Section of(List<Curves.Chart> charts) {
        var body = new Html();
        if (charts.isEmpty()) {
            return new Section("curves", "Curves", body);
        }
        controls(body);
        body.open("div", "class", "charts");
        for (int c = 0; c < charts.size(); c++) {
            Curves.Chart chart = charts.get(c);
            body.open("figure", "class", "chart", "data-chart", "" + c);
            body.element("figcaption", chart.title());
            body.open("div", "class", "drawn");
            body.add(Drawing.curves(label(chart), chart.curves()));
            body.add(Drawing.legend(chart.curves()));
            body.close("div").close("figure");
        }
        body.close("div");
        body.open("details").element("summary", "The curves as numbers");
        body.table(
                "The curves as numbers",
                "metric",
                "first",
                "last",
                "lowest",
                "at step",
                "highest",
                "at step",
                "points");
        for (Curves.Chart chart : charts) {
            chart.curves().forEach(curve -> numbers(body, curve));
        }
        body.endTable().close("details");
        return new Section("curves", "Curves", body);
    }

    /// Shown by the script, without which they do nothing.
    private static void controls(Html body) {
        body.open("form", "class", "controls", "hidden", "hidden", "id", "controls");
        body.open("label").text("over ").open("select", "id", "axis");
        body.element("option", "steps", "value", "step");
        body.element("option", "epochs", "value", "epoch");
        body.element("option", "tokens", "value", "tokens");
        body.element("option", "time in steps", "value", "time");
        body.close("select").close("label");
        body.open("label").text("smoothing ");
        body.open(
                "input",
                "type",
                "range",
                "id",
                "smoothing",
                "min",
                "0",
                "max",
                "0.98",
                "step",
                "0.02",
                "value",
                "0");
        body.element("output", "0", "for", "smoothing", "id", "smoothed").close("label");
        body.open("label")
                .open("input", "type", "checkbox", "id", "log")
                .text(" logarithmic")
                .close("label");
        body.element(
                "span",
                "Drag over a chart to look closer, double-click to go back.",
                "class",
                "hint");
        body.close("form");
    }

    private static String label(Curves.Chart chart) {
        var label = new StringBuilder(chart.title()).append(" over steps");
        for (Curve curve : chart.curves()) {
            label.append("; ").append(curve.name()).append(" from ");
            label.append(Figures.number(curve.values()[0])).append(" to ");
            label.append(Figures.number(curve.values()[curve.size() - 1]));
        }
        return label.toString();
    }

    private static void numbers(Html body, Curve curve) {
        int least = 0;
        int most = 0;
        for (int i = 0; i < curve.size(); i++) {
            least = curve.values()[i] < curve.values()[least] ? i : least;
            most = curve.values()[i] > curve.values()[most] ? i : most;
        }
        body.row(
                curve.name(),
                Figures.number(curve.values()[0]),
                Figures.number(curve.values()[curve.size() - 1]),
                Figures.number(curve.values()[least]),
                Figures.number(curve.steps()[least]),
                Figures.number(curve.values()[most]),
                Figures.number(curve.steps()[most]),
                "" + curve.size());
    }
}
