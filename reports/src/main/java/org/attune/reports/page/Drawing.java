package org.attune.reports.page;

import java.util.List;
import java.util.Locale;

/// Charts as SVG, for readers without JavaScript and for paper. Colours are the style sheet's.
final class Drawing {
    private static final int WIDTH = 480;
    private static final int HEIGHT = 200;
    private static final int LEFT = 62;
    private static final int RIGHT = 10;
    private static final int TOP = 10;
    private static final int BOTTOM = 24;
    private static final int POINTS = 160;

    /// Colours in the style sheet.
    private static final int COLOURS = 8;

    private Drawing() {}

    /// Curves over steps.
    static Html curves(String label, List<Curve> curves) {
        double left = Double.POSITIVE_INFINITY;
        double right = Double.NEGATIVE_INFINITY;
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (Curve curve : curves) {
            for (int i = 0; i < curve.size(); i++) {
                left = Math.min(left, curve.steps()[i]);
                right = Math.max(right, curve.steps()[i]);
                low = Math.min(low, curve.values()[i]);
                high = Math.max(high, curve.values()[i]);
            }
        }
        if (low == high) {
            double room = low == 0 ? 1 : Math.abs(low) / 2;
            low -= room;
            high += room;
        }
        Html svg = begin(label);
        grid(svg, low, high);
        text(svg, LEFT, HEIGHT - 6, "start", Figures.number(left));
        text(svg, WIDTH - RIGHT, HEIGHT - 6, "end", "step " + Figures.number(right));
        for (int c = 0; c < curves.size(); c++) {
            line(svg, curves.get(c).thinned(POINTS), new double[] {left, right, low, high});
        }
        return svg.close("svg");
    }

    private static void line(Html svg, Curve curve, double[] range) {
        String colour = colour(curve.colour());
        var points = new StringBuilder();
        double width = Math.max(1e-12, range[1] - range[0]);
        for (int i = 0; i < curve.size(); i++) {
            double x = LEFT + (WIDTH - LEFT - RIGHT) * (curve.steps()[i] - range[0]) / width;
            points.append(at(x)).append(',').append(at(y(curve.values()[i], range[2], range[3])));
            points.append(' ');
        }
        String classes = "line" + colour + (curve.heldOut() ? " held" : "");
        if (curve.size() == 1) {
            String[] at = points.toString().strip().split(",");
            svg.open("circle", "class", "dot" + colour, "cx", at[0], "cy", at[1], "r", "3");
            svg.close("circle");
        } else {
            svg.open("polyline", "class", classes, "points", points.toString().strip());
            svg.close("polyline");
        }
    }

    private static String at(double coordinate) {
        return String.format(Locale.ROOT, "%.1f", coordinate);
    }

    private static double y(double value, double low, double high) {
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low);
    }

    private static Html begin(String label) {
        return new Html()
                .open(
                        "svg",
                        "viewBox",
                        "0 0 %d %d".formatted(WIDTH, HEIGHT),
                        "role",
                        "img",
                        "aria-label",
                        label);
    }

    private static void grid(Html svg, double low, double high) {
        for (int i = 0; i <= 2; i++) {
            double value = low + (high - low) * i / 2;
            String y = at(y(value, low, high));
            svg.open(
                    "line",
                    "class",
                    "grid",
                    "x1",
                    "" + LEFT,
                    "x2",
                    "" + (WIDTH - RIGHT),
                    "y1",
                    y,
                    "y2",
                    y);
            svg.close("line");
            text(svg, LEFT - 6, y(value, low, high) + 4, "end", Figures.number(value));
        }
    }

    private static void text(Html svg, double x, double y, String anchor, String text) {
        svg.element("text", text, "x", at(x), "y", at(y), "text-anchor", anchor);
    }

    /// Bars of several groups of numbers beside each other.
    static Html bars(String label, Bins bins) {
        Html svg = begin(label);
        double most = bins.largestShare();
        grid(svg, 0, 100 * most);
        int groups = bins.groups().size();
        double slot = (double) (WIDTH - LEFT - RIGHT) / bins.count();
        double wide = Math.max(0.5, slot * 0.84 / groups);
        for (int g = 0; g < groups; g++) {
            for (int b = 0; b < bins.count(); b++) {
                double share = bins.share(g, b);
                if (share > 0) {
                    double top = y(100 * share, 0, 100 * most);
                    svg.open(
                            "rect",
                            "class",
                            "bar" + colour(g),
                            "x",
                            at(LEFT + slot * b + slot * 0.08 + g * wide),
                            "y",
                            at(top),
                            "width",
                            at(wide),
                            "height",
                            at(HEIGHT - BOTTOM - top));
                    svg.close("rect");
                }
            }
        }
        for (int b : bins.labelled()) {
            text(svg, LEFT + slot * (b + 0.5), HEIGHT - 6, "middle", bins.label(b));
        }
        return svg.close("svg");
    }

    private static String colour(int number) {
        return " c" + number % COLOURS;
    }

    /// The names of curves with their lines.
    static Html legend(List<Curve> curves) {
        Html legend = new Html().open("ul", "class", "legend");
        for (Curve curve : curves) {
            String held = curve.heldOut() ? " held" : "";
            entry(legend, curve.name(), "line" + colour(curve.colour()) + held);
        }
        return legend.close("ul");
    }

    /// The names of bars with their colours.
    static Html names(List<String> names) {
        Html legend = new Html().open("ul", "class", "legend");
        for (int i = 0; i < names.size(); i++) {
            entry(legend, names.get(i), "line" + colour(i));
        }
        return legend.close("ul");
    }

    private static void entry(Html legend, String name, String classes) {
        legend.open("li").open("svg", "viewBox", "0 0 24 8", "aria-hidden", "true");
        legend.open("line", "class", classes, "x1", "0", "x2", "24", "y1", "4", "y2", "4");
        legend.close("line").close("svg").text(name).close("li");
    }
}
