package org.attune.datasets;

import org.attune.error.DatasetException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// The first rows of each source, so many that they have the shares that `fraction` asks for, as in
/// TRL. There are as many as possible with no row twice.
///
/// @param weights the share of each source, > 0, summing to 1; none: all rows of all
record Shares(List<Double> weights) {
    private static final Logger LOG = LoggerFactory.getLogger(Shares.class);

    /// The shares of sources.
    ///
    /// @throws DatasetException if some say their share and others don't, or one isn't positive
    static Shares of(List<DatasetSource> sources) {
        List<OptionalDouble> given = sources.stream().map(DatasetSource::fraction).toList();
        if (given.stream().allMatch(OptionalDouble::isEmpty)) {
            return new Shares(List.of());
        }
        for (DatasetSource source : sources) {
            double share = source.fraction().orElse(0);
            if (!(share > 0) || Double.isInfinite(share)) {
                throw new DatasetException(
                        "%s: fraction is %s; give each data set a number > 0, or none of them"
                                .formatted(
                                        source,
                                        source.fraction().isEmpty() ? "missing" : "" + share));
            }
        }
        double sum = given.stream().mapToDouble(OptionalDouble::getAsDouble).sum();
        return new Shares(given.stream().map(share -> share.getAsDouble() / sum).toList());
    }

    /// Cuts the rows of the sources.
    ///
    /// @throws DatasetException if nothing would be left of one
    List<List<Integer>> of(List<DatasetSource> sources, List<List<Integer>> rows) {
        if (weights.isEmpty()) {
            return rows;
        }
        double all = Double.POSITIVE_INFINITY;
        for (int i = 0; i < rows.size(); i++) {
            all = Math.min(all, rows.get(i).size() / weights.get(i));
        }
        var cut = new ArrayList<List<Integer>>();
        for (int i = 0; i < rows.size(); i++) {
            int count = (int) Math.rint(weights.get(i) * all); // half to even, as Python rounds
            if (count == 0) {
                throw new DatasetException(
                        "%s: fraction leaves none of its %d rows, as all data sets together give %.0f; raise it"
                                .formatted(sources.get(i), rows.get(i).size(), all));
            }
            LOG.info("{}: the first {} of {} rows", sources.get(i), count, rows.get(i).size());
            cut.add(rows.get(i).subList(0, count));
        }
        return cut;
    }
}
