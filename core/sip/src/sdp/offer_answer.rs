//! Whose turn it is: the exchange of offers and answers of one call (RFC 3264 §4, RFC 3261 §14, RFC 6337 §3).

/// Where the offer/answer exchange of a call stands (RFC 3264 §4, RFC 3261 §14, RFC 8829 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignalingState {
    /// Nothing is open.
    #[default]
    Stable,
    /// We offered and wait for the answer.
    HaveLocalOffer,
    /// The other side offered and waits for our answer.
    HaveRemoteOffer,
}

/// The owner of the exchange: who may offer, and what a clash is (RFC 3261 §14.1 glare).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfferAnswer {
    state: SignalingState,
}

/// A step that the exchange does not allow now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferAnswerError {
    /// An offer of ours is open: answer 491 (RFC 3261 §14.2).
    #[error("an offer of ours is open")]
    Glare,
    /// An offer of theirs is open: answer 500 with Retry-After (RFC 3261 §14.2).
    #[error("an offer of theirs is open")]
    Pending,
    /// An answer without an offer.
    #[error("there is no offer to answer")]
    NoOffer,
}

impl OfferAnswer {
    /// Where it stands.
    pub fn state(&self) -> SignalingState {
        self.state
    }

    /// We offer.
    ///
    /// # Errors
    /// An offer is open.
    pub fn local_offer(&mut self) -> Result<(), OfferAnswerError> {
        self.offer(SignalingState::HaveLocalOffer)
    }

    /// They offer.
    ///
    /// # Errors
    /// [`OfferAnswerError::Glare`] or [`OfferAnswerError::Pending`].
    pub fn remote_offer(&mut self) -> Result<(), OfferAnswerError> {
        self.offer(SignalingState::HaveRemoteOffer)
    }

    /// We answer.
    ///
    /// # Errors
    /// No offer of theirs is open.
    pub fn local_answer(&mut self) -> Result<(), OfferAnswerError> {
        self.answer(SignalingState::HaveRemoteOffer)
    }

    /// They answer.
    ///
    /// # Errors
    /// No offer of ours is open.
    pub fn remote_answer(&mut self) -> Result<(), OfferAnswerError> {
        self.answer(SignalingState::HaveLocalOffer)
    }

    /// The open offer was refused or withdrawn: what stood before it stands again.
    pub fn rollback(&mut self) {
        self.state = SignalingState::Stable;
    }

    fn offer(&mut self, opened: SignalingState) -> Result<(), OfferAnswerError> {
        match self.state {
            SignalingState::Stable => {
                self.state = opened;
                Ok(())
            }
            SignalingState::HaveLocalOffer => Err(OfferAnswerError::Glare),
            SignalingState::HaveRemoteOffer => Err(OfferAnswerError::Pending),
        }
    }

    fn answer(&mut self, open: SignalingState) -> Result<(), OfferAnswerError> {
        if self.state != open {
            return Err(OfferAnswerError::NoOffer);
        }
        self.state = SignalingState::Stable;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::OfferAnswerError::{Glare, NoOffer, Pending};
    use super::SignalingState::{HaveLocalOffer, HaveRemoteOffer, Stable};
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Step {
        LocalOffer,
        RemoteOffer,
        LocalAnswer,
        RemoteAnswer,
        Rollback,
    }

    const STEPS: [Step; 5] = [
        Step::LocalOffer,
        Step::RemoteOffer,
        Step::LocalAnswer,
        Step::RemoteAnswer,
        Step::Rollback,
    ];

    /// The reference, from the sentences of RFC 3264 §4 and RFC 3261 §14: it looks back through
    /// what has been accepted and knows no states.
    fn reference(accepted: &[Step], step: Step) -> Result<(), OfferAnswerError> {
        let open = accepted.last().filter(|s| matches!(s, Step::LocalOffer | Step::RemoteOffer));
        match (step, open) {
            (Step::Rollback, _) => Ok(()),
            (Step::LocalOffer | Step::RemoteOffer, None) => Ok(()),
            (Step::LocalOffer | Step::RemoteOffer, Some(Step::LocalOffer)) => Err(Glare),
            (Step::LocalOffer | Step::RemoteOffer, Some(_)) => Err(Pending),
            (Step::LocalAnswer, Some(Step::RemoteOffer)) => Ok(()),
            (Step::RemoteAnswer, Some(Step::LocalOffer)) => Ok(()),
            (Step::LocalAnswer | Step::RemoteAnswer, _) => Err(NoOffer),
        }
    }

    fn take(exchange: &mut OfferAnswer, step: Step) -> Result<(), OfferAnswerError> {
        match step {
            Step::LocalOffer => exchange.local_offer(),
            Step::RemoteOffer => exchange.remote_offer(),
            Step::LocalAnswer => exchange.local_answer(),
            Step::RemoteAnswer => exchange.remote_answer(),
            Step::Rollback => {
                exchange.rollback();
                Ok(())
            }
        }
    }

    fn explore(exchange: &OfferAnswer, accepted: &[Step], depth: usize, seen: &mut usize) {
        *seen += 1;
        if depth == 0 {
            return;
        }
        for step in STEPS {
            let mut next = exchange.clone();
            let verdict = take(&mut next, step);
            assert_eq!(verdict, reference(accepted, step), "{step:?} after {accepted:?}");
            let mut history = accepted.to_vec();
            if verdict.is_ok() {
                history.push(step);
            } else {
                assert_eq!(&next, exchange, "a refused {step:?} changed the state");
            }
            let expected = match history.last() {
                Some(Step::LocalOffer) => HaveLocalOffer,
                Some(Step::RemoteOffer) => HaveRemoteOffer,
                Some(Step::LocalAnswer | Step::RemoteAnswer | Step::Rollback) | None => Stable,
            };
            assert_eq!(next.state(), expected, "after {history:?}");
            explore(&next, &history, depth - 1, seen);
        }
    }

    #[test]
    fn every_order_of_up_to_six_steps_ends_as_the_standard_says() {
        let mut seen = 0;
        explore(&OfferAnswer::default(), &[], 6, &mut seen);
        assert_eq!(seen, (0..=6).map(|n| 5usize.pow(n)).sum::<usize>());
    }

    #[test]
    fn two_offers_that_cross_are_glare() {
        let mut exchange = OfferAnswer::default();
        exchange.local_offer().unwrap();
        assert_eq!(exchange.remote_offer(), Err(Glare));
        exchange.rollback();
        assert_eq!(exchange.remote_offer(), Ok(()));
    }

    #[test]
    fn a_second_offer_before_our_answer_is_pending() {
        let mut exchange = OfferAnswer::default();
        exchange.remote_offer().unwrap();
        assert_eq!(exchange.remote_offer(), Err(Pending));
        assert_eq!(exchange.local_answer(), Ok(()));
        assert_eq!(exchange.local_answer(), Err(NoOffer));
    }
}
