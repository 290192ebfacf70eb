//! One worker's place against those that unpark it or take from it, and the array of places against its visitors.

use unstuck_base::parker::Parker;
use unstuck_base::sync::{Arc, thread};

use super::assert_each_ran_once;
use crate::numbered::Numbered;
use crate::pool::place::Place;
use crate::pool::places::Places;

#[test]
fn loom_place_an_unpark_reaches_the_worker_wherever_it_sleeps() {
    loom::model(|| {
        let shared = Arc::new((Place::new(), Parker::new()));
        let waking = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.0.unpark(|| {
                    shared.1.unpark();
                });
            }
        });
        // The parker stands for the driver: without an unpark this would sleep for ever.
        shared.0.sit(|| shared.1.park());
        waking.join().unwrap();
    });
}

#[test]
fn loom_place_the_slot_gives_each_runnable_to_one_thread() {
    loom::model(|| {
        let tasks = Numbered::new();
        let place = Arc::new(Place::new());
        assert!(place.swap_slot(tasks.task(0)).is_none());
        let thief = thread::spawn({
            let place = place.clone();
            move || {
                if let Some(task) = place.take_slot() {
                    task.run();
                }
            }
        });
        if let Some(displaced) = place.swap_slot(tasks.task(1)) {
            displaced.run();
        }
        thief.join().unwrap();
        if let Some(task) = place.take_slot() {
            task.run();
        }
        assert_each_ran_once(&tasks, 2);
    });
}

#[test]
fn loom_places_a_visitor_finds_every_visible_place_while_spares_come_and_go() {
    loom::model(|| {
        let tasks = Numbered::new();
        let places = Arc::new(Places::new(1, 1));
        let spare = thread::spawn({
            let (places, task) = (places.clone(), tasks.task(0));
            move || {
                let index = places.take_spare().unwrap();
                let ring = &places.get(index).ring;
                ring.push(task).unwrap();
                // It goes when its ring is empty, whoever has emptied it.
                if let Some(task) = ring.pop() {
                    task.run();
                }
                places.give_back(index);
            }
        });
        let thief = &places.get(0).ring;
        for index in 0..places.visible() {
            if let Some(task) = places.get(index).ring.take_into(thief) {
                task.run();
            }
        }
        spare.join().unwrap();
        assert_eq!(places.visible(), 1);
        assert_each_ran_once(&tasks, 1);
    });
}
