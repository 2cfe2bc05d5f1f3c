/// Whether learning is learning: the quickstart's runs over several seeds, measured on held-out
/// problems, beside a control in which rewards say nothing.
///
/// Read [LearningStudy], then [ShuffledRewards].
package org.attune.examples.learning;
