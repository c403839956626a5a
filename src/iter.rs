//! The iterators of receivers, which are types of their own in each module, as std's are.

/// Defines `Iter`, `TryIter` and `IntoIter` for the `Receiver` of the module.
macro_rules! iterators {
    () => {
        /// What is received, from [`Receiver::iter`].
        ///
        /// # Examples
        /// See [`Receiver::iter`].
        #[derive(Debug)]
        pub struct Iter<'a, T: 'a> {
            receiver: &'a Receiver<T>,
        }

        impl<T> Iterator for Iter<'_, T> {
            type Item = T;

            #[track_caller]
            fn next(&mut self) -> Option<T> {
                self.receiver.recv().ok()
            }
        }

        /// What is there, from [`Receiver::try_iter`].
        ///
        /// # Examples
        /// See [`Receiver::try_iter`].
        #[derive(Debug)]
        pub struct TryIter<'a, T: 'a> {
            receiver: &'a Receiver<T>,
        }

        impl<T> Iterator for TryIter<'_, T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.receiver.try_recv().ok()
            }
        }

        /// What is received, by a receiver that goes with this.
        ///
        /// # Examples
        /// See [`Receiver`].
        #[derive(Debug)]
        pub struct IntoIter<T> {
            receiver: Receiver<T>,
        }

        impl<T> Iterator for IntoIter<T> {
            type Item = T;

            #[track_caller]
            fn next(&mut self) -> Option<T> {
                self.receiver.recv().ok()
            }
        }

        impl<'a, T> IntoIterator for &'a Receiver<T> {
            type Item = T;
            type IntoIter = Iter<'a, T>;

            fn into_iter(self) -> Iter<'a, T> {
                self.iter()
            }
        }

        impl<T> IntoIterator for Receiver<T> {
            type Item = T;
            type IntoIter = IntoIter<T>;

            fn into_iter(self) -> IntoIter<T> {
                IntoIter { receiver: self }
            }
        }
    };
}
pub(crate) use iterators;
