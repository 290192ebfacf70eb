//! Channels: what is sent arrives once, in its order, or is dropped once.

use std::time::Duration;

use unstuck::sync::{broadcast as to_all, mpsc as queue, oneshot, watch};
use unstuck::task::yield_now;
use unstuck::time::timeout;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Several senders, one receiver; both sides give up in the middle of a call at times.
pub(crate) async fn mpsc(stage: Stage, mut rng: Rng) -> Outcome {
    let (senders, each) = (rng.count(1..=6), rng.count(1..=150));
    let mail = stage.mail(senders * each);
    let (sender, mut receiver) = queue::channel(rng.among(&[1, 2, 7, 64]));
    let mut tasks = Vec::new();
    for index in 0..senders {
        let (stage2, mail, sender, mut rng) = (stage.clone(), mail.clone(), sender.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            for number in index * each..(index + 1) * each {
                match rng.pick(0..=5) {
                    // A send that is given up has not taken its place: the message is sent again.
                    0 => {
                        let permit = loop {
                            match timeout(rng.micros(300), sender.reserve()).await {
                                Ok(permit) => break stage2.must(permit, "a permit")?,
                                Err(_elapsed) => step(),
                            }
                        };
                        permit.send(mail.letter(number));
                    }
                    1 => {
                        let mut letter = mail.letter(number);
                        while let Err(error) = sender.try_send(letter) {
                            let is_full = matches!(error, queue::error::TrySendError::Full(_));
                            stage2.check(is_full, "the receiver is there")?;
                            letter = error.into_inner();
                            yield_now().await;
                        }
                    }
                    _ => stage2.must(sender.send(mail.letter(number)).await, "the receiver is there")?,
                }
            }
            Outcome::Ok(())
        }));
    }
    drop(sender);
    let mut next = vec![0; senders];
    loop {
        let received = match rng.pick(0..=3) {
            0 => match timeout(rng.micros(300), receiver.recv()).await {
                Ok(received) => received,
                Err(_elapsed) => {
                    step();
                    continue;
                }
            },
            1 => {
                let mut some = Vec::new();
                receiver.recv_many(&mut some, 5).await;
                let last = some.pop();
                for letter in some {
                    stage.check(in_order(&mut next, each, letter.number), "each sender's messages keep their order")?;
                    mail.arrived(letter);
                }
                last
            }
            _ => receiver.recv().await,
        };
        let Some(letter) = received else { break };
        stage.check(in_order(&mut next, each, letter.number), "each sender's messages keep their order")?;
        mail.arrived(letter);
        step();
    }
    for task in tasks {
        stage.must(task.await, "a sender")??;
    }
    stage.check(mail.missing().is_none(), "every message arrived")?;
    unbounded(stage, rng).await
}

fn in_order(next: &mut [usize], each: usize, number: usize) -> bool {
    let expected = &mut next[number / each];
    let holds = *expected == number % each;
    *expected = number % each + 1;
    holds
}

/// The receiver leaves early: what it did not fetch is dropped.
async fn unbounded(stage: Stage, mut rng: Rng) -> Outcome {
    let mail = stage.mail(200);
    let (sender, mut receiver) = queue::unbounded_channel();
    let task = stage.spawn({
        let mail = mail.clone();
        async move { (0..200).take_while(|number| sender.send(mail.letter(*number)).is_ok()).count() }
    });
    let fetched = rng.count(0..=200);
    for number in 0..fetched {
        let letter = stage.must(receiver.recv().await.ok_or("closed"), "the sender is there")?;
        stage.check(letter.number == number, "messages keep their order")?;
        mail.arrived(letter);
    }
    if rng.one_in(2) {
        receiver.close();
        while let Some(letter) = receiver.recv().await {
            mail.arrived(letter);
        }
        let sent = stage.must(task.await, "the sender")?;
        stage.check((0..sent).all(|number| mail.has_arrived(number)), "what was sent before closing arrived")?;
    }
    Ok(())
}

/// Everybody receives everything, or is told how much was missed.
pub(crate) async fn broadcast(stage: Stage, mut rng: Rng) -> Outcome {
    let (messages, capacity) = (rng.pick(1..=300), rng.among(&[1, 4, 16, 512]));
    let (sender, first) = to_all::channel(capacity);
    let mut tasks = Vec::new();
    let mut receivers = vec![first];
    receivers.extend((0..rng.pick(0..=4)).map(|_| sender.subscribe()));
    for mut receiver in receivers {
        let (stage2, mut rng) = (stage.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            let mut next = 0;
            loop {
                let received = if rng.one_in(4) {
                    match timeout(rng.micros(200), receiver.recv()).await {
                        Ok(received) => received,
                        Err(_elapsed) => continue,
                    }
                } else {
                    receiver.recv().await
                };
                match received {
                    Ok((number, _life)) => {
                        stage2.always(number == next, "broadcast messages come in their order, none missing");
                        next = number + 1;
                    }
                    Err(to_all::error::RecvError::Lagged(missed)) => next += missed,
                    Err(to_all::error::RecvError::Closed) => return next,
                }
            }
        }));
    }
    for number in 0..messages {
        let life = std::sync::Arc::new(stage.life());
        // Receivers leave when the runtime does.
        stage.must(sender.send((number, life)).map_err(|_| "nobody receives"), "receivers are there")?;
        if rng.one_in(3) {
            yield_now().await;
        }
    }
    drop(sender);
    for task in tasks {
        let counted = stage.must(task.await, "a receiver")?;
        stage.check(counted == messages, "every message came or was missed")?;
    }
    Ok(())
}

/// A value that is watched never goes back, and its last change is seen; an answer comes once, or is known not to come.
pub(crate) async fn watch_and_oneshot(stage: Stage, mut rng: Rng) -> Outcome {
    let (sender, receiver) = watch::channel(0);
    let last = rng.pick(1..=200);
    let mut tasks = Vec::new();
    for _ in 0..rng.pick(1..=4) {
        let (stage2, mut receiver, mut rng) = (stage.clone(), receiver.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            let mut seen = 0;
            loop {
                let changed = timeout(Duration::from_micros(rng.pick(50..=5000)), receiver.changed()).await;
                let now = *receiver.borrow_and_update();
                stage2.always(now >= seen, "a watched value never goes back");
                seen = now;
                if let Ok(Err(_closed)) = changed {
                    return seen;
                }
            }
        }));
    }
    drop(receiver);
    for value in 1..=last {
        sender.send_replace(value);
        if rng.one_in(2) {
            yield_now().await;
        }
        let (answers, answer) = oneshot::channel();
        let (life, keeps_silent) = (stage.life(), rng.one_in(3));
        let task = stage.spawn(async move {
            if !keeps_silent {
                drop(answers.send(life));
            }
        });
        match rng.pick(0..=2) {
            0 => drop(answer),
            1 => drop(timeout(rng.micros(100), answer).await),
            _ => stage.check(answer.await.is_err() == keeps_silent, "an answer comes if it was given")?,
        }
        stage.must(task.await, "who answers")?;
    }
    drop(sender);
    for task in tasks {
        let seen = stage.must(task.await, "who watches")?;
        stage.check(seen == last, "the last value is seen")?;
    }
    Ok(())
}
