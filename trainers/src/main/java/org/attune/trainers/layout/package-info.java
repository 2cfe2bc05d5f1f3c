/// How prepared rows lie in a micro-batch: from examples to a [org.attune.policy.TokenForest] and
/// the targets of each.
///
/// Read [SftForest], then [PreferenceForest]. `N` rows (tokens) and `M` targets are those of the
/// forest.
package org.attune.trainers.layout;
