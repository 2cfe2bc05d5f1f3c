/// How prepared rows lie in a micro-batch: from examples to a [org.attune.policy.TokenForest] and
/// the targets of each.
package org.attune.datasets.layout;
