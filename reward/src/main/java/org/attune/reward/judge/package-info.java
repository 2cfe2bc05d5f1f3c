/// Language models as judges: what they are asked, how their answers are read, and servers that
/// answer.
package org.attune.reward.judge;
