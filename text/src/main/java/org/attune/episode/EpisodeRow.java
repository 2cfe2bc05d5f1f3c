package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.BitSet;

/// A sequence of tokens that trains: what was sampled stands behind the very tokens that the
/// sampler had read. A named tuple: equality is identity of the arrays.
///
/// @param promptIds tokens before the first turn of this row, none of them the model's own
/// @param ids tokens after these, `(T)`
/// @param logProbs log-probability of each under the sampler, `(T)`; 0 where it isn't the model's
///     own
/// @param foreign where a token of `ids` isn't the model's own
@Api(STABLE)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record EpisodeRow(int[] promptIds, int[] ids, float[] logProbs, BitSet foreign) {
    public EpisodeRow {
        foreign = (BitSet) foreign.clone();
    }

    /// Tokens of the model's own.
    public int ownTokens() {
        return ids.length - foreign.cardinality();
    }
}
