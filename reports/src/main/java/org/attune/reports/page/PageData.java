package org.attune.reports.page;

import com.fasterxml.jackson.core.io.JsonStringEncoder;

import java.util.List;

/// The numbers of the charts as JSON that may stand in an HTML element.
final class PageData {
    private PageData() {}

    static String json(List<ReportedRun> runs, List<Curves.Chart> charts) {
        var json = new StringBuilder("{\"runs\":[");
        for (int r = 0; r < runs.size(); r++) {
            RunAxis axis = RunAxis.of(runs.get(r).metrics());
            json.append(r == 0 ? "" : ",").append("{\"name\":").append(text(runs.get(r).name()));
            json.append(",\"step\":").append(numbers(axis.steps()));
            json.append(",\"epoch\":").append(numbers(axis.epochs()));
            json.append(",\"tokens\":").append(numbers(axis.tokens()));
            json.append(",\"time\":").append(numbers(axis.seconds())).append('}');
        }
        json.append("],\"charts\":[");
        for (int c = 0; c < charts.size(); c++) {
            json.append(c == 0 ? "" : ",")
                    .append("{\"title\":")
                    .append(text(charts.get(c).title()));
            json.append(",\"curves\":[");
            List<Curve> curves = charts.get(c).curves();
            for (int i = 0; i < curves.size(); i++) {
                Curve curve = curves.get(i);
                json.append(i == 0 ? "" : ",").append("{\"run\":").append(curve.run());
                json.append(",\"name\":").append(text(curve.name()));
                json.append(",\"colour\":").append(curve.colour());
                json.append(",\"heldOut\":").append(curve.heldOut());
                json.append(",\"x\":").append(numbers(curve.steps()));
                json.append(",\"y\":").append(numbers(curve.values()));
                if (curve.means().length > 0) {
                    json.append(",\"means\":").append(numbers(curve.means()));
                }
                json.append('}');
            }
            json.append("]}");
        }
        return json.append("]}").toString();
    }

    private static String numbers(double[] values) {
        var json = new StringBuilder("[");
        for (int i = 0; i < values.length; i++) {
            json.append(i == 0 ? "" : ",").append(Figures.drawn(values[i]));
        }
        return json.append(']').toString();
    }

    /// No `<` and no `&`, so that nothing in it ends the element or begins a comment.
    private static String text(String value) {
        String quoted = new String(JsonStringEncoder.getInstance().quoteAsString(value));
        return '"'
                + quoted.replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e")
                + '"';
    }
}
